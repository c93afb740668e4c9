"""Control of `knowledge`: as many pairs of genes sampled at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph


@method("knowledge_random", scales=("knowledge",))
def sample_pairs(graph: Graph, rng: np.random.Generator) -> Graph:
    """Take the TF network out, and sample every pair of the knowledge graph anew."""
    alone = graph.without_edges("cell_type", "cell")
    sampled = sample_partners(graph.knowledge, len(graph.genes), rng)
    return replace(alone, knowledge=sampled)


def sample_partners(
    pairs: pd.DataFrame, n_genes: int, rng: np.random.Generator
) -> pd.DataFrame:
    """As many pairs, uniform among all pairs of `n_genes` genes, none twice; the weights stay.

    Parameters
    ----------
    pairs
        gene_a, gene_b (whole numbers), weight; one row a pair, gene_a < gene_b.
    """
    every = n_genes * (n_genes - 1) // 2
    place = rng.choice(every, size=len(pairs), replace=False)

    # pairs stand in the order (0, 1), (0, 2), (1, 2), (0, 3), ...: gene b has b pairs with those before it
    gene = np.arange(n_genes)
    first = gene * (gene - 1) // 2
    gene_b = np.searchsorted(first, place, side="right") - 1
    sampled = pairs.assign(gene_a=place - first[gene_b], gene_b=gene_b)
    return sampled.sort_values(["gene_a", "gene_b"], ignore_index=True)
