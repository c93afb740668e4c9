"""Section of the conditions: which eRegulons and edges differ, with donors as replicates."""

from __future__ import annotations

import pandas as pd

from grnformer.grn.conditions.compare import LEAST_DONORS, SIGNIFICANT
from grnformer.report.figures.conditions import plot_volcano
from grnformer.report.page import Block, Figure, Note, Section, table

_SHOWN = 500  # rows of the table of edges on the page


def conditions_section(
    condition_eregulons: pd.DataFrame,
    condition_edges: pd.DataFrame,
    condition_summary: pd.DataFrame,
    min_cells: int,
) -> Section:
    """Section of conditions; tables by the contracts of these names.

    Parameters
    ----------
    min_cells
        Of a donor in a type and condition (grn.conditions.min_cells).
    """
    blocks: list[Block] = [
        *_verdicts(condition_summary, min_cells),
        table(
            "condition_summary",
            condition_summary,
            "Each comparison beside its control, the same with the conditions of the donors permuted: significant "
            "eRegulons or edges (adjusted p of at most .05), their mean number by chance, and the fraction of "
            "assignments, the true one included, with as many.",
        ),
    ]
    tested = condition_eregulons.dropna(subset=["p_value"])
    if len(tested):
        n_panels = tested.groupby(["cell_type", "condition"]).ngroups
        blocks.append(
            Figure(
                "condition-volcano",
                plot_volcano(tested, SIGNIFICANT),
                "Difference in eRegulon activity (mean AUC of a donor's cells, mean over donors) from the reference, "
                "and p of a moderated t-test between donors (Smyth 2004). Coloured: p of at most .05 after Benjamini "
                "and Hochberg, in each panel.",
                80 + 280 * -(-n_panels // 3),
            )
        )
    by_p = ["p_value", "cell_type", "condition"]
    blocks.append(
        table(
            "condition_eregulons",
            condition_eregulons.sort_values(by_p, kind="stable"),
            "eRegulons by p. Means are of donors' mean AUC.",
            folded=True,
        )
    )
    edges = condition_edges.dropna(subset=["p_value"]).sort_values(by_p, kind="stable")
    if len(edges):
        blocks.append(
            table(
                "condition_edges",
                edges.head(_SHOWN),
                f"Edges by p, the first {min(_SHOWN, len(edges)):,} of {len(edges):,} that were tested; all are in "
                "grn/condition_edges.parquet. Strength is Fisher's z of the correlation of TF and gene over a donor's "
                "cells of the type.",
                folded=True,
            )
        )
    return Section("conditions", "Conditions", blocks)


def _verdicts(summary: pd.DataFrame, min_cells: int) -> list[Block]:
    """A sentence for each contrast; where donors are too few, that alone."""
    few, lines = [], []
    for row in summary.itertuples():
        where = f"{row.cell_type}, {row.condition} against {row.reference}"
        if row.design == "too few":
            if row.what == "eRegulons":
                few.append(f"{where}: {row.donors} and {row.donors_reference} donors")
        elif row.tested:
            how = (
                "each with itself"
                if row.design == "pairs"
                else f"against {row.donors_reference}"
            )
            control = "no other assignment of the conditions"
            if row.permutations:
                control = f"with permuted conditions {row.permuted_significant:.1f} on average"
            if row.permutations and row.significant:
                control += (
                    f", and as many in {row.permutation_p:.2g} of the {row.permutations + 1} assignments, the true one "
                    "included"
                )
            lines.append(
                f"{where}: {int(row.significant):,} of {row.tested:,} {row.what} differ over {row.donors} donors, "
                f"{how}; {control}."
            )
    blocks: list[Block] = []
    if lines:
        text = (
            "What differs between conditions, within each cell type, with donors as replicates. A condition that goes "
            "with a batch, a sex or an age cannot be told from it here."
        )
        blocks.append(Note(text, items=tuple(lines)))
    if few:
        text = (
            f"Too few donors: at least {LEAST_DONORS} of each condition, or {LEAST_DONORS} with both, must have "
            f"{min_cells} cells of the type. Cells of one donor are no replicates, so differences are given without p."
        )
        blocks.append(Note(text, items=tuple(few), kind="missing"))
    return blocks
