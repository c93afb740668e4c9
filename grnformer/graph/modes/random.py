"""Control: as many edges between genes drawn at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph


@method("random")
def draw_edges(graph: Graph, rng: np.random.Generator) -> Graph:
    """Draw every edge anew, uniformly among all ordered pairs of distinct genes.

    Kept are the number of edges of each cell type and of each eRegulon, their weights and signs, and the cells'
    activity. Not kept are the TFs (any gene may regulate; an eRegulon has one random regulator), the degrees and
    what the scales have in common.
    """
    n_genes = len(graph.genes)
    edges = [_with_pairs(part, rng.integers(n_genes, size=len(part)), n_genes, rng) for part in _parts(graph.edges)]
    eregulons = [
        _with_pairs(part, np.full(len(part), rng.integers(n_genes)), n_genes, rng) for part in _parts(graph.eregulons)
    ]
    return replace(graph, edges=_joined(edges, graph.edges), eregulons=_joined(eregulons, graph.eregulons))


def _parts(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [part for _, part in table.groupby(table.columns[0], sort=True)]


def _joined(parts: list[pd.DataFrame], like: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else like


def _with_pairs(part: pd.DataFrame, tf: np.ndarray, n_genes: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw targets for the regulators `tf`, again and again where a pair is a loop or stands twice."""
    tf = tf.copy()
    gene = rng.integers(n_genes, size=len(tf))
    single = bool((tf == tf[0]).all())
    while True:
        pair = tf * n_genes + gene
        repeated = np.ones(len(tf), bool)
        repeated[np.unique(pair, return_index=True)[1]] = False
        wrong = repeated | (tf == gene)
        if not wrong.any():
            return part.assign(tf=tf, gene=gene)
        gene[wrong] = rng.integers(n_genes, size=wrong.sum())
        if not single:
            tf[wrong] = rng.integers(n_genes, size=wrong.sum())
