"""Control: every TF's most co-expressed genes, from the RNA alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph
from grnformer.grn.tf_gene.spearman import correlate


@method("coexpression", reads=("expression",))
def take_coexpressed(
    graph: Graph, rng: np.random.Generator, expression: sp.csc_matrix
) -> Graph:
    """Replace the targets of each TF by as many genes of the largest absolute Spearman correlation over all cells.

    Kept are the TFs and the number of targets of each, in every cell type and eRegulon, the weights (the largest to
    the largest correlation), and the cells' activity. A sign is that of the correlation.

    Parameters
    ----------
    expression
        (cells, genes), log1p of normalised counts, columns in the order of the nodes.
    """
    tfs = np.unique(np.concatenate([graph.edges["tf"], graph.eregulons["tf"]]))
    tfs = tfs.astype(np.int64)
    if not len(tfs):
        return graph
    # (genes, TFs)
    rho = correlate(expression, expression[:, tfs])
    # a TF is no target of its own: behind all others
    strength = np.abs(rho)
    strength[tfs, np.arange(len(tfs))] = -1
    ranked = np.argsort(-strength, axis=0, kind="stable")
    column_of = {tf: column for column, tf in enumerate(tfs)}

    def rewired(table: pd.DataFrame, group: str) -> pd.DataFrame:
        parts = []
        for (_, tf), part in table.groupby([group, "tf"], sort=True):
            part = part.sort_values("weight", ascending=False, kind="stable")
            # a TF with as many targets as there are genes has one less
            column = column_of[tf]
            gene = ranked[: min(len(part), len(ranked) - 1), column]
            sign = np.where(rho[gene, column] < 0, -1, 1)
            parts.append(part.iloc[: len(gene)].assign(gene=gene, sign=sign))
        return pd.concat(parts, ignore_index=True) if parts else table

    return replace(
        graph,
        edges=rewired(graph.edges, "cell_type"),
        eregulons=rewired(graph.eregulons, "eregulon"),
    )
