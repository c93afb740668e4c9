"""Control: the same degrees, other partners (edge swaps; Maslov & Sneppen 2002, doi 10.1126/science.1065103)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph

ROUNDS = 30
_DENSE = 16  # possible pairs an edge, up to which all are counted


@method("degree_preserving")
def rewire(graph: Graph, rng: np.random.Generator) -> Graph:
    """Swap targets between edges until partners are mixed.

    Kept are, in each cell type, the number of targets of each regulator and of regulators of each gene; among the
    eRegulons, the TF and size of each and the number of eRegulons that hold each gene; weights and signs stay with
    the regulator's end; the cells' activity.
    """
    parts = []
    for _, part in graph.edges.groupby("cell_type", sort=True):
        tf, gene = part["tf"].to_numpy(), part["gene"].to_numpy()
        parts.append(part.assign(gene=swap_targets(tf, tf, gene, rng)))
    edges = pd.concat(parts, ignore_index=True) if parts else graph.edges

    eregulons = graph.eregulons
    if len(eregulons):
        group, tf, gene = (
            eregulons[column].to_numpy() for column in ("eregulon", "tf", "gene")
        )
        eregulons = eregulons.assign(gene=swap_targets(group, tf, gene, rng))
    return replace(graph, edges=edges, eregulons=eregulons)


def swap_targets(
    group: np.ndarray, tf: np.ndarray, gene: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return `gene` with targets swapped between edges, (group, gene) staying unique and tf != gene for new pairs.

    In each of the rounds all edges are paired at random; a pair's targets are swapped unless that makes a loop, or an
    edge that is there already or that another pair makes in the same round.
    """
    gene = gene.copy()
    base = gene.max(initial=0) + 1  # a pair (group, gene) as one number
    group = np.unique(group, return_inverse=True)[1]
    n_pairs = (group.max(initial=0) + 1) * base
    for _ in range(ROUNDS):
        order = rng.permutation(len(gene))
        half = len(order) // 2
        # of an odd number one edge sits out the round
        a, b = order[:half], order[half : 2 * half]
        # (2, half): what each pair would become
        new = np.stack([group[a] * base + gene[b], group[b] * base + gene[a]])

        there = count_among(new, group * base + gene, n_pairs).any(0)
        loop = (tf[a] == gene[b]) | (tf[b] == gene[a])
        twice = (count_among(new, new.ravel(), n_pairs) > 1).any(0)

        swap = ~(there | loop | twice)
        gene[a[swap]], gene[b[swap]] = gene[b[swap]], gene[a[swap]]
    return gene


def count_among(numbers: np.ndarray, among: np.ndarray, n: int) -> np.ndarray:
    """How many times each of `numbers` stands in `among`; all are below n."""
    # of a dense network a count of all pairs is faster than a search in a sorted list
    if n <= _DENSE * len(among):
        return np.bincount(among, minlength=n)[numbers]
    known, count = np.unique(among, return_counts=True)
    place = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.where(known[place] == numbers, count[place], 0)


def rewire_pairs(pairs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Other targets of each source: the numbers of targets and of sources of each gene stay, signs with the source.

    Parameters
    ----------
    pairs
        source, target, and whatever stays with the source.
    """
    number, names = pd.factorize(pairs[["source", "target"]].to_numpy().ravel())
    source, target = number.reshape(-1, 2).T
    swapped = swap_targets(source, source, target, rng)
    return pairs.assign(target=np.asarray(names)[swapped])
