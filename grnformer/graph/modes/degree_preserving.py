"""Control: the same degrees, other partners (edge swaps; Maslov & Sneppen 2002, doi 10.1126/science.1065103)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph

ROUNDS = 30


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
    for _ in range(ROUNDS):
        order = rng.permutation(len(gene))
        half = len(order) // 2
        # of an odd number one edge sits out the round
        a, b = order[:half], order[half : 2 * half]
        # (2, half): what each pair would become
        new = np.stack([group[a] * base + gene[b], group[b] * base + gene[a]])

        there = np.isin(new, group * base + gene).any(0)
        loop = (tf[a] == gene[b]) | (tf[b] == gene[a])
        _, inverse, count = np.unique(
            new.ravel(), return_inverse=True, return_counts=True
        )
        twice = (count[inverse] > 1).reshape(2, half).any(0)

        swap = ~(there | loop | twice)
        gene[a[swap]], gene[b[swap]] = gene[b[swap]], gene[a[swap]]
    return gene
