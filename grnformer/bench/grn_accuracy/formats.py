"""Networks in the forms of other benchmarks: geneRNIB's .h5ad and gretapy's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from grnformer.grn.given import read

if TYPE_CHECKING:
    import anndata

#: geneRNIB looks at so many edges, those with the largest weight
TOP_EDGES = 50_000


def to_genernib(edges: pd.DataFrame, dataset: str) -> anndata.AnnData:
    """Write a network as geneRNIB reads one (Nourisa et al. 2025, doi 10.1101/2025.02.25.640181).

    Parameters
    ----------
    edges
        Contract ``cell_type_grn``, such as of `grnformer.grn.cell_type.edges.merge_eregulons`.
    dataset
        Name of the dataset there.

    Returns
    -------
    No cells and no genes; in ``uns`` dataset_id, method_id and prediction: source, target and weight, negative for
    repression (as text, which is what geneRNIB expects), of the `TOP_EDGES` edges of largest weight.
    """
    import anndata

    top = edges.sort_values("weight", ascending=False, kind="stable").head(TOP_EDGES)
    table = top[["tf", "gene"]].set_axis(["source", "target"], axis=1)
    table["weight"] = (top["weight"] * top["sign"]).map("{:.6g}".format)
    named = {"dataset_id": dataset, "method_id": "grnformer"}
    return anndata.AnnData(
        np.zeros((0, 0), dtype=np.float32),
        uns={**named, "prediction": table.reset_index(drop=True)},
    )


def to_gretapy(triplets: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Give eRegulons as gretapy reads a network: source, cre (``chr1-100-600``), target, score.

    Parameters
    ----------
    triplets
        Contract ``eregulons``; of those that several eRegulons hold, one row is made.
    edges
        As of `to_genernib`, of the same eRegulons. The score is the weight of the edge, negative for repression:
        gretapy simulates by its sign.
    """
    keys = ["tf", "region", "gene"]
    table = triplets[keys].drop_duplicates().sort_values(keys)
    signed = edges[["tf", "gene"]].assign(score=edges["weight"] * edges["sign"])
    table = table.merge(signed, on=["tf", "gene"], validate="many_to_one")
    table["region"] = (
        table["region"].astype(str).str.replace(":", "-", n=1, regex=False)
    )
    return table.set_axis(["source", "cre", "target", "score"], axis=1)


def read_network(path: str | Path) -> pd.DataFrame:
    """Read a network of another tool, in any form that `grnformer.grn.given.read.read_network` knows.

    Returns
    -------
    tf, gene, weight (absolute: a benchmark of targets does not ask for signs); of a pair that stands several times,
    with several regions, the largest. Without a column of weights all are 1.

    Raises
    ------
    InputError
        As there.
    """
    table = read.read_network(path, "bench.grn_accuracy.networks").table
    edges = table[["tf", "gene"]].assign(weight=table["weight"].abs())
    return edges.groupby(["tf", "gene"], sort=True, as_index=False)["weight"].max()
