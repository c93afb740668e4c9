"""First section of a dataset: did the graph help, its sizes, what the benchmarks allow to say, in a few sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from grnformer.report.page import Note, Section
from grnformer.report.sections.graph_verdict import graph_verdict
from grnformer.report.text import format_rows

_CELLS = "{cells:,} cells of {types} types, {genes:,} genes{regions}"
_SIZES = (
    f"{_CELLS}; {{eregulon:,}} eRegulons of {{tf:,}} TFs. "
    "Edges of each cell type's network: {edges}."
)


def overview_section(
    summary: dict[str, Any],
    eregulons: pd.DataFrame | None,
    sizes: pd.DataFrame | None,
    sections: list[Section],
    control_arms: set[str],
) -> Section:
    """Sizes of the dataset and its networks, then the verdicts of the sections that follow.

    Parameters
    ----------
    summary, eregulons, sizes
        By the contracts ``prep_summary``, ``eregulons`` and ``cell_type_summary``; None before there are networks.
    sections
        The dataset's other sections; their verdicts are repeated here, without the details.
    control_arms
        Arms of pretraining whose graph is a control.
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

    helped = graph_verdict(sections, control_arms)
    first = [replace(helped, items=())] if helped else []
    return Section("overview", "In short", [*first, Note(text), *verdicts])
