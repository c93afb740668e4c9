"""Control of `knowledge`: as many partners of each gene, but others.

By swaps of edges (Maslov & Sneppen 2002, doi 10.1126/science.1065103).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph
from grnformer.graph.modes.degree_preserving import ROUNDS, count_among


@method("knowledge_degree_preserving", scales=("knowledge",))
def rewire(graph: Graph, rng: np.random.Generator) -> Graph:
    """Take the TF network out, and swap partners between the pairs of the knowledge graph."""
    alone = graph.without_edges("cell_type", "cell")
    return replace(alone, knowledge=swap_partners(graph.knowledge, rng))


def swap_partners(pairs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Swap partners between pairs until they are mixed: the number of partners of each gene stays.

    Which end of a pair is swapped is random; its weight stays with the other one. In each of the rounds all pairs are
    paired at random, and swapped unless that makes a loop, or a pair that is there already or made twice.

    Parameters
    ----------
    pairs
        gene_a, gene_b (whole numbers from 0), weight; one row a pair.
    """
    a, b = (pairs[end].to_numpy(copy=True) for end in ("gene_a", "gene_b"))
    base = max(a.max(initial=0), b.max(initial=0)) + 1

    def code(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        # a pair as one number, whichever way round
        return np.minimum(one, other) * base + np.maximum(one, other)

    for _ in range(ROUNDS):
        turned = rng.random(len(a)) < 0.5
        a[turned], b[turned] = b[turned], a[turned]
        order = rng.permutation(len(a))
        half = len(order) // 2
        # of an odd number one pair sits out the round
        i, j = order[:half], order[half : 2 * half]

        # (2, half): what each two pairs would become
        new = np.stack([code(a[i], b[j]), code(a[j], b[i])])
        there = count_among(new, code(a, b), base**2).any(0)
        loop = (a[i] == b[j]) | (a[j] == b[i])
        twice = (count_among(new, new.ravel(), base**2) > 1).any(0)

        swap = ~(there | loop | twice)
        b[i[swap]], b[j[swap]] = b[j[swap]], b[i[swap]]

    swapped = pairs.assign(gene_a=np.minimum(a, b), gene_b=np.maximum(a, b))
    return swapped.sort_values(["gene_a", "gene_b"], ignore_index=True)
