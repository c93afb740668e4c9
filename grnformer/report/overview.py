"""First section of a dataset: its sizes and what the benchmarks allow to say, in a few sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grnformer.report.page import Block, Note, Section

if TYPE_CHECKING:
    import pandas as pd


def overview_section(
    dataset: str, summary: dict[str, Any], eregulons: pd.DataFrame, sizes: pd.DataFrame, sections: list[Section]
) -> Section:
    """Sizes of the dataset and its networks, then the verdicts of the sections that follow.

    Parameters
    ----------
    summary, eregulons, sizes
        By the contracts ``prep_summary``, ``eregulons`` and ``cell_type_summary``.
    sections
        The dataset's other sections; their verdicts are repeated here, without the details.
    """
    after = {kind: counts["after"] for kind, counts in summary["counts"].items()}
    edges = ", ".join(f"{row.cell_type} {row.edges:,}" for row in sizes.itertuples())
    blocks: list[Block] = [
        Note(
            f"{after['cell']:,} cells of {len(summary['cell_types'])} types, {after['gene']:,} genes, "
            f"{after['region']:,} regions; {eregulons['eregulon'].nunique():,} eRegulons of "
            f"{eregulons['tf'].nunique():,} TFs. Edges of each cell type's network: {edges}."
        )
    ]
    verdicts = (b for s in sections for b in s.blocks if isinstance(b, Note) and b.kind in ("gain", "nothing", "loss"))
    blocks += [replace(verdict, items=()) for verdict in verdicts]
    return Section("overview", "In short", blocks, dataset)
