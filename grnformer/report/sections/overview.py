"""First section of a dataset: what was run, a verdict on each part, did the graph help; then sizes and all verdicts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from grnformer.genome.guess import species_of_genome
from grnformer.grn.eregulons.quality import LEAST_UNITS
from grnformer.report.figures.network import plot_network
from grnformer.report.page import (
    Block,
    Config,
    Figure,
    Note,
    Section,
    Table,
    Tile,
    Tiles,
)
from grnformer.report.sections.bench.tasks import TASKS
from grnformer.report.sections.graph_verdict import (
    best_network,
    count_wins,
    graph_sentence,
    graph_verdict,
)
from grnformer.report.sections.grn import NETWORK_KEY
from grnformer.report.sections.pretrain import key_of_arms
from grnformer.report.text import capitalise, format_count, format_rows
from grnformer.report.verdicts import (
    absent,
    judge_benchmarks,
    judge_data,
    judge_model,
    judge_networks,
)

_CELLS = "{cells:,} cells of {types} types, {genes:,} genes{regions}"
_SIZES = (
    f"{_CELLS}; {{eregulon:,}} eRegulons of {{tf:,}} TFs. "
    "Edges of each cell type's network: {edges}."
)
_SMALL = 300  # pixels: both figures stand on the first screen
_FEW_TFS, _FEW_TARGETS = 5, 4


def overview_section(
    summary: dict[str, Any],
    eregulons: pd.DataFrame | None,
    sizes: pd.DataFrame | None,
    sections: list[Section],
    arms: Config,
    *,
    seed: int,
    quality: pd.DataFrame | None = None,
    donors: int = 1,
    about: tuple[str, ...] = (),
    later: str = "",
) -> Section:
    """Facts, tiles, the graph's verdict and two figures; then sizes and the verdicts of the sections that follow.

    Parameters
    ----------
    summary, eregulons, sizes, quality
        By the contracts ``prep_summary``, ``eregulons``, ``cell_type_summary`` and ``eregulon_quality``; None before
        there are networks, or where none was judged.
    sections
        The dataset's other sections; their verdicts are repeated here, without the details.
    arms
        ``pretrain.arms`` of the configuration, where models were trained.
    donors
        That the cells are of.
    about
        Facts of the run: date, commit.
    later
        The last stage that was run, if not all were.
    seed
        Of the layout of the network's picture.
    """
    counts: dict[str, Any] = {
        f"{kind}s": sizes_of["after"] for kind, sizes_of in summary["counts"].items()
    }
    counts |= {"types": len(summary["cell_types"])}
    # none of RNA alone
    regions = counts.get("regions")
    counts["regions"] = f", {regions:,} regions" if regions else ""
    if eregulons is None or sizes is None:
        text = f"{_CELLS.format(**counts)}."
    else:
        counts |= eregulons[["eregulon", "tf"]].nunique().to_dict()
        edges = ", ".join(format_rows(sizes, "{cell_type} {edges:,}"))
        text = _SIZES.format(**counts, edges=edges)
    notes = [
        block
        for section in sections
        for block in section.blocks
        if isinstance(block, Note)
    ]
    # Details stay in the sections.
    verdicts = [
        replace(note, items=())
        for note in notes
        if note.kind in ("gain", "nothing", "loss")
    ]

    missing = (
        f"the run ended after the stage {later}" if later else "no part of this run"
    )
    tiles = (
        _data_tile(summary, donors),
        _network_tile(
            eregulons, quality, sections, missing, summary["counts"]["cell"]["after"]
        ),
        _model_tile(sections, missing),
        _benchmark_tile(sections, missing, summary["counts"]["cell"]["after"]),
    )
    first: list[Block] = [
        Tiles((_CELLS.format(**counts), *about), tiles),
        graph_sentence(sections, arms, missing),
        *_figures(sections, summary["cell_types"], seed),
        *([key_of_arms(arms)] if arms else []),
    ]
    helped = graph_verdict(sections, arms)
    details = [helped] if helped else []
    return Section(
        "overview",
        "In short",
        [*first, *details, Note(text), *verdicts],
        lead=len(first),
    )


def describe_genomes(samples: list[dict[str, str]], dataset: str) -> tuple[str, ...]:
    """Species and genome of a dataset by the sample sheet, e.g. ``Human (hg38)``; none if the sheet names no genome."""
    genomes = [
        row.get("genome") or "" for row in samples if row.get("dataset") == dataset
    ]
    return tuple(
        f"{capitalise(species)} ({genome})"
        if (species := species_of_genome(genome))
        else genome
        for genome in dict.fromkeys(genomes)
        if genome
    )


def describe_commit(commit: str) -> str:
    """A commit in short; what is said instead of one (`git_commit`) as it is."""
    first, _, rest = commit.partition(" ")
    if not re.fullmatch("[0-9a-f]{7,40}", first):
        return commit
    return f"commit {first[:7]}{' (changed)' if rest else ''}"


def _data_tile(summary: dict[str, Any], donors: int) -> Tile:
    enrichments = [
        check["tss_enrichment"]
        for check in summary["checks"].values()
        if check.get("tss_enrichment") is not None
    ]
    cells = summary["counts"]["cell"]
    return judge_data(
        cells["after"],
        cells["before"],
        summary["cell_types"],
        donors,
        min(enrichments) if enrichments else None,
    )


def _network_tile(
    eregulons: pd.DataFrame | None,
    quality: pd.DataFrame | None,
    sections: list[Section],
    missing: str,
    cells: int,
) -> Tile:
    if eregulons is None:
        return absent("Networks", f"{capitalise(missing)}.")
    passed = judged = 0
    enough = False
    if quality is not None and len(quality):
        passed, judged = int(quality["passed"].sum()), len(quality)
        enough = bool(quality["units"].iloc[0] >= LEAST_UNITS)
    better, compared = count_wins(sections)
    return judge_networks(passed, judged, enough, better, compared, cells)


def _model_tile(sections: list[Section], missing: str) -> Tile:
    summaries = [
        frame
        for _, name, frame in _tables(sections)
        if name.startswith("pretrain_summary")
    ]
    if not summaries:
        return absent("Model", f"{capitalise(missing)}.")
    # Losses of two backbones have no scale in common: the first is judged.
    best = summaries[0].sort_values(["loss", "arm"]).iloc[0]
    typed = float(best["baseline_cell_type_loss"])
    return judge_model(
        str(best["arm"]), float(best["loss"]), float(best["baseline_loss"]), typed
    )


def _benchmark_tile(sections: list[Section], missing: str, cells: int) -> Tile:
    won = judged = too_few = 0
    for section, name, frame in _tables(sections):
        if section not in TASKS or name != f"{section}_comparisons" or frame.empty:
            continue
        # the first is the primary metric: of several, one may be better by chance
        primary = frame[frame["metric"] == frame["metric"].iloc[0]]
        arms = TASKS[section].judge(list(primary["arm"].unique()))
        of_arms = primary[primary["arm"].isin(arms)]
        for _, rows in of_arms.groupby(["arm", "task"], sort=False):
            outcomes = set(rows["outcome"])
            if outcomes <= {"too few members", "not comparable"}:
                too_few += 1
            else:
                judged += 1
                won += outcomes == {"better"}
    if not judged and not too_few:
        return absent("Benchmarks", f"{capitalise(missing)}.")
    return judge_benchmarks(won, judged, too_few, cells)


def _tables(sections: list[Section]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Section, name and rows of each table."""
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table):
                yield section.name, block.name, block.frame


def few_edges(edges: pd.DataFrame) -> pd.DataFrame:
    """Of the edges of a picture, so many that their names can be read in a small one; TFs in the order given."""
    first = edges["tf"].drop_duplicates().head(_FEW_TFS)
    kept = edges[edges["tf"].isin(first)].sort_values(
        ["weight", "tf", "gene"], ascending=[False, True, True]
    )
    return kept[kept.groupby("tf").cumcount() < _FEW_TARGETS]


def _figures(
    sections: list[Section],
    cell_types: dict[str, int],
    seed: int,
) -> list[Block]:
    """The UMAP of cell types and a network's picture, small, where there are any."""
    drawn = {
        block.name: block
        for section in sections
        for block in section.blocks
        if isinstance(block, Figure)
    }
    found: list[Block] = []
    if "umap-type" in drawn:
        found.append(replace(drawn["umap-type"], height=_SMALL, wide=False))
    networks = {
        name.removeprefix("network-"): figure
        for name, figure in drawn.items()
        if name.startswith("network-")
    }
    if networks:
        best = best_network(sections, set(networks))
        largest = max(networks, key=lambda name: cell_types.get(name, 0))
        name = best or largest
        why = (
            "that agrees best with known targets"
            if best
            else f"of the type with most cells, {format_count(cell_types.get(name, 0), 'cell')}"
        )
        caption = (
            f"Network of {name}, the one {why}: the {_FEW_TFS} TFs with the most specific eRegulons and their "
            f"{_FEW_TARGETS} strongest targets. {NETWORK_KEY}"
        )
        edges = next(
            frame
            for _, table, frame in _tables(sections)
            if table == "network_pictures"
        )
        few = few_edges(edges[edges["cell_type"] == name])
        found.append(
            Figure(
                networks[name].name,
                plot_network(few, seed, (520, _SMALL)),
                caption,
                _SMALL,
                wide=False,
            )
        )
    return found
