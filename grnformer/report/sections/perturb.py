"""Section of genes that were knocked down and over-expressed in silico."""

from __future__ import annotations

import pandas as pd

from grnformer.report.figures.perturb import plot_cell_shifts, plot_top_shifts
from grnformer.report.page import Block, Figure, Note, Section, table
from grnformer.report.text import format_count

_TOP = 15
_UNITS = {"network": "log1p of counts per 10,000", "model": "SD of the target"}
_READ = (
    "A gene is set in unperturbed cells: predictions, not measurements. Through the network a change passes signed "
    "edges, and its size has no calibration; through a model the gene's value is edited, and the shift of the other "
    "genes is read. The percentile is the fraction of the controls (rewired forms of the network; models without a "
    "graph of the data) that shift the same target less. How well such shifts predict real screens is measured by the "
    "benchmarks of perturbations."
)


def perturb_section(genes: pd.DataFrame, cells: pd.DataFrame) -> Section:
    """Section of the stage perturb.

    Parameters
    ----------
    genes, cells
        By the contracts ``perturbed_genes`` and ``perturbed_cells``.
    """
    found = genes.dropna(subset=["shift"])
    blocks: list[Block] = [Note(_READ)]
    top = top_shifts(found)
    # a figure of the first gene of each method: the table has all
    for method, part in top.groupby("method", sort=True):
        first = part.iloc[0]
        same = ["cell_type", "arm", "gene", "kind"]
        chosen = part[(part[same].fillna("") == first[same].fillna("")).all(axis=1)]
        of = f"arm {first['arm']}, " if method == "model" else ""
        caption = (
            f"Genes that shift most through the {method} ({of}{first['cell_type']}): {first['gene']}, "
            f"{first['kind'].replace('_', ' ')}. n {format_count(int(first['n_cells']), 'cell')}."
        )
        figure = plot_top_shifts(chosen, _UNITS[str(method)])
        blocks.append(Figure(f"perturbed-{method}", figure, caption))
    shown = cells.dropna(subset=["shift"])
    if len(shown):
        caption = (
            "Length of the mean shift of the cell embedding, dimensions in SDs of the reference cells; bars are SDs "
            "over seeds."
        )
        blocks.append(Figure("perturbed-cells", plot_cell_shifts(shown), caption))
    if len(top):
        blocks.append(
            table(
                "perturbed_genes",
                top,
                f"The {_TOP} genes that shift most, by what was set. All are in perturb/genes.parquet.",
                folded=True,
            )
        )
    if len(cells):
        blocks.append(
            table(
                "perturbed_cells",
                cells,
                "Shift of the cell embedding.",
                folded=True,
            )
        )
    missing = genes[genes["shift"].isna()]
    if len(missing):
        said = missing[["cell_type", "method", "arm", "gene", "kind", "reason"]]
        blocks.append(
            table("perturbed_missing", said, "What could not be set.", folded=True)
        )
    return Section("perturb", "Genes set in silico", blocks)


def top_shifts(found: pd.DataFrame, n: int = _TOP) -> pd.DataFrame:
    """The `n` targets that shift most, whatever the direction, by what was set; first the largest."""
    by = ["method", "arm", "cell_type", "gene", "kind"]
    order = found.assign(size=found["shift"].abs()).sort_values(
        "size", ascending=False, kind="stable"
    )
    top = order.groupby(by, dropna=False, sort=False).head(n)
    # in the order of what was set
    rank = {gene: place for place, gene in enumerate(found["gene"].unique())}
    top = top.assign(place=top["gene"].map(rank))
    top = top.sort_values(["method", "place"], kind="stable")
    return top.drop(columns=["size", "place", "dataset", "reason"]).reset_index(
        drop=True
    )
