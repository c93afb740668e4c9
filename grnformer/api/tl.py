"""Questions to a run: targets of a TF, regulators of a gene, the most specific eRegulons of a cell type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grnformer.api.run import Run, unknown

if TYPE_CHECKING:
    import pandas as pd


def network_of(run: Run, cell_type: str | None = None) -> pd.DataFrame:
    """The network of a cell type, or that over all types: see `Run.networks` and `Run.network`."""
    return run.network if cell_type is None else run.networks[cell_type]


def targets_of(run: Run, tf: str, cell_type: str | None = None) -> pd.DataFrame:
    """Genes that a TF regulates, the strongest first.

    Parameters
    ----------
    run
        See `read_run`.
    tf
        Symbol.
    cell_type
        None: over all types, see `Run.network`.

    Returns
    -------
    Rows of the network: tf, gene, weight, sign, regions, eregulons, evidence.

    Raises
    ------
    UnknownName
        If the network has no such TF; it says which there are.
    """
    return _rows(network_of(run, cell_type), "tf", tf, "TF")


def regulators_of(run: Run, gene: str, cell_type: str | None = None) -> pd.DataFrame:
    """TFs that regulate a gene, the strongest first; parameters and columns as of `targets_of`.

    Raises
    ------
    UnknownName
        If no TF of the network regulates the gene.
    """
    return _rows(network_of(run, cell_type), "gene", gene, "regulated gene")


def top_regulons(run: Run, cell_type: str, n: int = 10) -> pd.DataFrame:
    """The eRegulons most specific for a cell type.

    Parameters
    ----------
    n
        At most as many.

    Returns
    -------
    Columns eregulon, tf, rss (regulon specificity score, 0 to 1; doi 10.1016/j.celrep.2018.10.045), n_genes, n_regions;
    the most specific first.

    Raises
    ------
    UnknownName
        If there is no such cell type.
    """
    if cell_type not in run.cell_types:
        raise unknown("cell type", cell_type, run.cell_types)
    of_type = run.specificity[run.specificity["cell_type"] == cell_type]
    # ties go by name, so that every call gives the same
    ranked = of_type.sort_values(["rss", "eregulon"], ascending=[False, True]).head(n)

    triplets = run.eregulons
    with_region = triplets[triplets["region"] != ""]
    sizes = triplets.groupby("eregulon").agg(
        tf=("tf", "first"), n_genes=("gene", "nunique")
    )
    sizes["n_regions"] = with_region.groupby("eregulon")["region"].nunique()
    sizes["n_regions"] = sizes["n_regions"].fillna(0).astype(int)
    found = ranked[["eregulon", "rss"]].join(sizes, on="eregulon")
    return found[["eregulon", "tf", "rss", "n_genes", "n_regions"]].reset_index(
        drop=True
    )


def _rows(network: pd.DataFrame, column: str, name: str, what: str) -> pd.DataFrame:
    rows = network[network[column] == name]
    if rows.empty:
        raise unknown(what, name, sorted(network[column].unique()))
    other = "gene" if column == "tf" else "tf"
    ordered = rows.sort_values(["weight", other], ascending=[False, True])
    return ordered.reset_index(drop=True)
