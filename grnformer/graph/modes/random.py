"""Control: as many edges between genes sampled at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.methods import method
from grnformer.graph.bundle import Graph


@method("random")
def sample_all_edges(graph: Graph, rng: np.random.Generator) -> Graph:
    """Sample every edge anew, uniformly among all ordered pairs of distinct genes.

    Kept are the number of edges of each cell type and of each eRegulon, their weights and signs, and the cells'
    activity. Not kept are the TFs (any gene may regulate; an eRegulon has one random regulator), the degrees and
    what the scales have in common.
    """
    n_genes = len(graph.genes)
    edges, eregulons = [graph.edges], [graph.eregulons]
    for _, part in graph.edges.groupby("cell_type", sort=True):
        tf = rng.integers(n_genes, size=len(part))
        edges.append(_with_pairs(part, tf, n_genes, rng, single=False))
    for _, part in graph.eregulons.groupby("eregulon", sort=True):
        tf = np.full(len(part), rng.integers(n_genes))
        eregulons.append(_with_pairs(part, tf, n_genes, rng, single=True))
    return replace(graph, edges=_joined(edges), eregulons=_joined(eregulons))


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The tables after the first; the first where there is none."""
    first, *parts = tables
    return pd.concat(parts, ignore_index=True) if parts else first


def _with_pairs(
    part: pd.DataFrame,
    tf: np.ndarray,
    n_genes: int,
    rng: np.random.Generator,
    *,
    single: bool,
) -> pd.DataFrame:
    """Sample targets for the regulators `tf`, again where a pair is a loop or stands twice.

    `single`: the regulator is one and stays. InputError if there are fewer pairs than edges.
    """
    n_pairs = (n_genes - 1) * (1 if single else n_genes)
    if len(part) > n_pairs:
        raise InputError(
            f"a graph of {n_genes} genes with {len(part)} edges of one {part.columns[0]}",
            f"at most {n_pairs} edges: as many pairs of different genes are there for the random control",
            "give data of more genes, or take the mode random out of pretrain.arms and fuse.graphs",
        )

    tf = tf.copy()
    gene = rng.integers(n_genes, size=len(tf))
    while True:
        pair = tf * n_genes + gene

        # the first of equal pairs stays, the others are sampled again
        repeated = np.ones(len(tf), bool)
        repeated[np.unique(pair, return_index=True)[1]] = False
        wrong = repeated | (tf == gene)
        if not wrong.any():
            return part.assign(tf=tf, gene=gene)

        gene[wrong] = rng.integers(n_genes, size=wrong.sum())
        if not single:  # the one regulator of an eRegulon stays
            tf[wrong] = rng.integers(n_genes, size=wrong.sum())
