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


def to_genernib(triplets: pd.DataFrame, dataset: str) -> anndata.AnnData:
    """Write eRegulons as geneRNIB reads a network (Nourisa et al. 2025, doi 10.1101/2025.02.25.640181).

    Parameters
    ----------
    triplets
        Contract ``eregulons``.
    dataset
        Name of the dataset there.

    Returns
    -------
    No cells and no genes; in ``uns`` dataset_id, method_id and prediction: source, target and weight (as text, which
    is what geneRNIB expects), the `TOP_EDGES` largest. A pair that several eRegulons hold has their largest weight.
    """
    import anndata

    edges = triplets.groupby(["tf", "gene"], sort=True)["tf_gene_weight"].max()
    top = edges.sort_values(ascending=False, kind="stable").head(TOP_EDGES)
    table = top.reset_index().set_axis(["source", "target", "weight"], axis=1)
    named = {"dataset_id": dataset, "method_id": "grnformer"}
    return anndata.AnnData(
        np.zeros((0, 0), dtype=np.float32),
        uns={**named, "prediction": table.astype({"weight": str})},
    )


def to_gretapy(triplets: pd.DataFrame) -> pd.DataFrame:
    """Give eRegulons as gretapy reads a network: source, cre (``chr1-100-600``), target, score.

    A triplet that several eRegulons hold has the largest TF-gene weight.
    """
    keys = ["tf", "region", "gene"]
    table = triplets.groupby(keys, sort=True)["tf_gene_weight"].max().reset_index()
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
