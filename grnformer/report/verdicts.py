"""Good, caution or failed: the rule of each verdict on the first screen, from a few numbers."""

from __future__ import annotations

from collections.abc import Sequence

from grnformer.report.page import State, Tile
from grnformer.report.text import capitalise, format_count

LEAST_DONORS = 3  # two values have a difference, and no spread that can be trusted
FEW_CELLS, TOO_FEW_CELLS = 500, 100
FEW_OF_A_TYPE = 30  # cells: pseudobulks of fewer are noise
FEW_KEPT, TOO_FEW_KEPT = 0.5, 0.2  # fraction of the cells
LEAST_ENRICHMENT = 2.0  # regions at transcription start sites, fold
FEW_FOLLOW, TOO_FEW_FOLLOW = 0.5, 0.1  # fraction of the eRegulons


def judge_data(
    cells: int,
    before: int,
    of_types: dict[str, int],
    donors: int,
    enrichment: float | None,
) -> Tile:
    """Failed with too few cells to infer from; caution where what follows rests on little.

    Parameters
    ----------
    cells, before
        Kept, and given.
    of_types
        Cell type -> cells.
    donors
        That the cells are of.
    enrichment
        The least TSS enrichment of a sample's regions (fold); None of RNA alone.
    """
    kept = cells / before if before else 0.0
    fatal = {
        f"fewer than {TOO_FEW_CELLS} cells": cells < TOO_FEW_CELLS,
        f"only {kept:.0%} of the cells were kept": kept < TOO_FEW_KEPT,
    }
    smallest = min(of_types, key=lambda name: of_types[name]) if of_types else ""
    doubts = {
        f"fewer than {FEW_CELLS} cells": cells < FEW_CELLS,
        f"only {kept:.0%} of the cells were kept": kept < FEW_KEPT,
        "one cell type": len(of_types) == 1,
        f"the type {smallest} has {of_types.get(smallest, 0)} cells": of_types.get(
            smallest, 0
        )
        < FEW_OF_A_TYPE,
        f"{format_count(donors, 'donor')}: differences between donors are unknown": donors
        < LEAST_DONORS,
        "regions are not enriched at transcription start sites": enrichment is not None
        and enrichment < LEAST_ENRICHMENT,
    }
    number, counts = f"{cells:,}", f"cells of {format_count(len(of_types), 'type')}"
    return _tile("Data", number, counts, fatal, doubts, f"{kept:.0%} of the cells kept")


def judge_networks(
    passed: int,
    eregulons: int,
    enough_units: bool,
    better: int,
    compared: int,
    cells: int,
) -> Tile:
    """Failed where hardly an eRegulon follows its TF and most known targets are not found either.

    Parameters
    ----------
    passed, eregulons
        Those whose targets' activity follows the TF, of how many judged; of none where the network was given.
    enough_units
        Whether there are pseudobulks or cells enough to judge that.
    better, compared
        Comparisons with known targets in which a TF's own targets score above those of other TFs; of how many.
    cells
        That the networks were inferred from.
    """
    share = passed / eregulons if eregulons else 0.0
    judged, most = bool(eregulons) and enough_units, better > compared / 2
    known = (
        f"known targets are found better than by other TFs' edges in {better} of {compared} comparisons"
        if compared
        else "not compared with known targets"
    )
    fatal = {
        f"hardly an eRegulon follows its TF; {known}": judged
        and share < TOO_FEW_FOLLOW
        and not most,
        f"no eRegulon could be judged; {known}": not judged
        and bool(compared)
        and not better,
    }
    doubts = {
        f"only {format_count(cells, 'cell')}: others may give other networks": bool(
            eregulons
        )
        and cells < FEW_CELLS,
        "most do not": judged and share < FEW_FOLLOW,
        "too few pseudobulks to judge eRegulons": bool(eregulons) and not enough_units,
        "no eRegulon was judged by its TF": not eregulons,
        known: not compared or not most,
    }
    if any(doubts.values()) and compared and most:
        doubts[known] = True
    if eregulons and not enough_units:
        number, counts = f"{eregulons:,}", "eRegulons, not judged by their TF"
    elif eregulons:
        number, counts = (
            f"{passed:,} of {eregulons:,}",
            "eRegulons follow their TF's expression",
        )
    else:
        number, counts = f"{better} of {compared}", "comparisons with known targets won"
    return _tile("Networks", number, counts, fatal, doubts, known)


def judge_model(arm: str, loss: float, baseline: float, typed: float) -> Tile:
    """Failed where the model predicts no better than each gene's mean, caution where no better than in its cell type.

    Parameters
    ----------
    arm
        The best arm.
    loss, baseline, typed
        Held-out loss of the arm, of the baseline, and of the baseline that knows the cell's type.
    """
    change = 1 - loss / baseline
    fatal = {"no better than the genes' averages": not loss < baseline}
    doubts = {
        f"no better than the genes' averages in the cell's type ({typed:.3f})": not loss
        < typed
    }
    why = f"also better than the averages in the cell's type ({typed:.3f})"
    counts = (
        f"{'less' if change >= 0 else 'more'} held-out loss than the genes' averages "
        f"({arm}: {loss:.3f} against {baseline:.3f})"
    )
    return _tile("Model", f"{abs(change):.0%}", counts, fatal, doubts, why)


def judge_benchmarks(won: int, judged: int, too_few: int, cells: int) -> Tile:
    """Failed where nothing was won, caution where less than half was, or nothing could be judged.

    Parameters
    ----------
    won, judged
        Tasks in which an arm beats every control and the best baseline, of how many that could be judged.
    too_few
        Tasks that have too few members to judge.
    cells
        That networks and models rest on.
    """
    fatal = {
        "nothing beats every control and the best baseline": judged > 0 and not won
    }
    doubts = {
        "too few repeats to judge any": not judged,
        f"only {format_count(cells, 'cell')}: others may give other results": cells
        < FEW_CELLS,
        "most tests are not won": bool(judged) and won < judged / 2,
    }
    if judged and too_few:
        doubts[f"{too_few:,} more had too few repeats"] = any(
            [*doubts.values(), *fatal.values()]
        )
    number = f"{won or 'none'} of {judged}" if judged else "none judged"
    counts = (
        "tests in which a method beats every control and the best baseline"
        if judged
        else ""
    )
    return _tile("Benchmarks", number, counts, fatal, doubts, "at least half are won")


def absent(what: str, why: str) -> Tile:
    """The tile of a part that was not run."""
    return Tile(what, "absent", "\N{EN DASH}", "", why)


def _tile(
    what: str,
    number: str,
    counts: str,
    fatal: dict[str, bool],
    doubts: dict[str, bool],
    fine: str,
) -> Tile:
    """What is fatal decides, then what is doubtful; `fine`: what a good verdict rests on."""
    failed, doubted = _held(fatal), _held(doubts)
    state: State = "failed" if failed else "caution" if doubted else "good"
    reasons = failed or doubted or [fine]
    return Tile(what, state, number, counts, f"{capitalise('; '.join(reasons))}.")


def _held(reasons: dict[str, bool]) -> Sequence[str]:
    return [reason for reason, holds in reasons.items() if holds]
