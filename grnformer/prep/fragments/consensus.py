"""One set of regions of equal width for all pseudobulks: iterative overlap removal."""

from __future__ import annotations

import logging
from bisect import bisect_left, insort
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import BED_COMMENTS, as_positions, read_rows, refuse
from grnformer.genome.intervals import overlaps_any

log = logging.getLogger(__name__)


def merge_peaks(
    peaks: dict[str, pd.DataFrame],
    lengths: dict[str, int],
    blacklist: pd.DataFrame | None,
    *,
    half_width: int,
) -> pd.DataFrame:
    """Widen summits to equal width; of peaks that overlap, keep the best.

    Scores are first made comparable between pseudobulks of unequal depth: a peak's score is its fraction of the
    pseudobulk's summed scores, per million. Then the best peak of all is kept and those that overlap it are removed,
    until none overlap (Corces et al. 2018, doi 10.1126/science.aav1898).

    Parameters
    ----------
    peaks
        Pseudobulk -> ``chrom, summit`` (0-based, bp), ``score`` (-log10 p).
    lengths
        Chromosome lengths, bp; peaks that would reach beyond are removed.
    blacklist
        ``chrom, start, end``: peaks that overlap one are removed. None: there is no list for this genome.
    half_width
        bp on both sides of a summit; regions are ``2 half_width + 1`` wide.

    Returns
    -------
    pandas.DataFrame
        Contract `consensus_peaks`, sorted by position.

    Raises
    ------
    InputError
        If no peak is kept.
    """
    scored = [
        _score(frame, name) for name, frame in sorted(peaks.items()) if len(frame)
    ]
    if not scored:
        raise InputError(
            f"no pseudobulk of {len(peaks)} has a peak",
            "peaks in at least one",
            "give deeper data, raise prep.fragments.q_value, or pool cells (prep.fragments.without_annotation: whole)",
        )

    called = pd.concat(scored, ignore_index=True)
    called["start"] = called["summit"] - half_width
    called["end"] = called["summit"] + half_width + 1

    # Regions cut at a chromosome's end would not be of equal width.
    ends = called["chrom"].map(lengths)
    inside = called[(called["start"] >= 0) & (called["end"] <= ends)]
    allowed = inside if blacklist is None else inside[~overlaps_any(inside, blacklist)]

    # Position and group break ties, so that the order of the input does not matter.
    order = ["score", "chrom", "start", "group"]
    ranked = allowed.sort_values(
        order, ascending=[False, True, True, True], ignore_index=True
    )
    kept = ranked[remove_overlaps(ranked)].copy()
    log.info(
        "%d peaks of %d pseudobulks, %d beyond a chromosome's end, %d blacklisted: %d regions of %d bp",
        len(called),
        len(peaks),
        len(called) - len(inside),
        len(inside) - len(allowed),
        len(kept),
        2 * half_width + 1,
    )
    if kept.empty:
        raise InputError(
            f"all {len(called)} peaks lie in the blacklist or beyond the chromosomes' ends",
            "peaks elsewhere",
            "check the genome in the sample sheet and prep.fragments.blacklists in the config",
        )

    kept["groups"] = _found_in(kept, ranked)
    kept["region"] = (
        kept["chrom"] + ":" + kept["start"].astype(str) + "-" + kept["end"].astype(str)
    )
    kept = kept.rename(columns={"group": "best_group"})
    columns = ["region", "chrom", "start", "end", "score", "best_group", "groups"]
    return kept[columns].sort_values(["chrom", "start"], ignore_index=True)


def remove_overlaps(ranked: pd.DataFrame) -> np.ndarray:
    """Which regions of equal width are kept if each, in order, is kept unless it overlaps one kept before; boolean."""
    kept = []
    taken: dict[str, list[int]] = {}
    for chrom, start, end in zip(
        ranked["chrom"], ranked["start"], ranked["end"], strict=True
    ):
        # Of equal width, regions overlap if their starts are nearer than the width; kept starts are sorted.
        starts, width = taken.setdefault(chrom, []), end - start
        place = bisect_left(starts, start)
        neighbors = starts[max(place - 1, 0) : place + 1]
        free = all(abs(start - other) >= width for other in neighbors)
        if free:
            insort(starts, start)
        kept.append(free)
    return np.array(kept, dtype=bool)


def read_blacklist(path: str | Path, lengths: dict[str, int]) -> pd.DataFrame:
    """Read a BED of regions to exclude: ``chrom, start, end``.

    Raises
    ------
    InputError
        If it is no BED, or has no chromosome in common with the fragments.
    """
    setting = "prep.fragments.blacklists in the config"
    rows = read_rows(path, setting, comments=BED_COMMENTS)
    if rows.shape[1] < 3:
        raise InputError(
            f"{path}: {rows.shape[1]} columns",
            "a BED: chromosome, start, end, separated by tabs",
            f"correct {setting}",
        )
    table = rows.iloc[:, :3].set_axis(["chrom", "start", "end"], axis=1)
    for column in ("start", "end"):
        table[column] = as_positions(table[column], path, setting)
    backward = table["end"] <= table["start"]
    refuse(table["end"], backward, "an end behind the start", path, setting)
    table = table.reset_index(drop=True)

    barred = set(table["chrom"])
    if barred.isdisjoint(lengths):
        raise InputError(
            f"{path} has the chromosomes {sorted(barred)[:5]}",
            f"chromosomes of the fragments: {sorted(lengths)[:5]}",
            "correct prep.fragments.blacklists in the config; null: no blacklist",
        )
    return table


def _score(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Summits of one pseudobulk with scores per million of their sum."""
    # MACS3 may call several subpeaks at one summit.
    best = frame.groupby(["chrom", "summit"], as_index=False)["score"].max()
    total = best["score"].sum()
    return best.assign(
        score=1e6 * best["score"] / total if total > 0 else 0.0, group=name
    )


def _found_in(kept: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Pseudobulks with a peak that overlaps each kept one, joined by ';'."""
    found = pd.DataFrame(
        {name: overlaps_any(kept, part) for name, part in table.groupby("group")},
        index=kept.index,
    )
    return [";".join(found.columns[row]) for row in found.to_numpy()]
