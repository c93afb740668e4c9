"""Edges of a bundle as arrays, and neighbour sampling.

An edge array is a structured array of dtype `EDGE`: messages go from `source` (the TF) to `target`, by node number;
`weight` is signed; `gate` is the eRegulon that opens the edge in a cell, -1 where the edge is open in every cell.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numba import njit

from grnformer.graph.bundle import Graph

EDGE = np.dtype(
    [
        ("source", np.int64),
        ("target", np.int64),
        ("weight", np.float32),
        ("gate", np.int64),
    ],
    align=True,
)
ALWAYS_OPEN = -1

Structure = dict[str, list[np.ndarray]]
"""Edge arrays by scale: one a cell type (`cell_type`), one of all eRegulons (`cell`), one of `knowledge`."""


def make_edges(
    source: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    gate: np.ndarray | int = ALWAYS_OPEN,
) -> np.ndarray:
    """Edge array (E,) from its columns."""
    edges = np.empty(len(source), EDGE)
    edges["source"], edges["target"], edges["weight"], edges["gate"] = (
        source,
        target,
        weight,
        gate,
    )
    return edges


def read_edges(table: pd.DataFrame, gate: np.ndarray | int = ALWAYS_OPEN) -> np.ndarray:
    """Edge array of a bundle's table (tf, gene, weight, sign)."""
    # the weight carries the sign, and is never 0: a sign would be lost
    size = np.maximum(table["weight"].to_numpy(np.float32), 1e-6)
    return make_edges(
        table["tf"], table["gene"], size * table["sign"].to_numpy(np.float32), gate
    )


def read_pairs(table: pd.DataFrame) -> np.ndarray:
    """Edge array of a knowledge graph (gene_a, gene_b, weight), from a to b: positive, and open in every cell."""
    return make_edges(table["gene_a"], table["gene_b"], table["weight"])


def read_structure(
    graph: Graph, scales: list[str], cell_types: list[str], direction: str
) -> Structure:
    """Edge arrays of the given scales of a graph.

    Parameters
    ----------
    scales
        `cell_type`, `cell`, `knowledge`.
    cell_types
        Names; the edges of the first are the first array.
    direction
        Of messages in the TF network: `tf_to_gene`, or `both`. The knowledge graph is undirected: always both.
    """
    # a type without edges keeps its place: arrays are found by the type's number
    of_type = dict(list(graph.edges.groupby("cell_type")))
    none = graph.edges.iloc[:0]
    structure = {
        "cell_type": [read_edges(of_type.get(name, none)) for name in cell_types],
        "cell": [read_edges(graph.eregulons, graph.eregulons["eregulon"].to_numpy())],
    }
    if direction == "both":
        structure = {
            scale: [_both_ways(edges) for edges in arrays]
            for scale, arrays in structure.items()
        }
    structure["knowledge"] = [_both_ways(read_pairs(graph.knowledge))]
    return {scale: structure[scale] for scale in scales}


def _both_ways(edges: np.ndarray) -> np.ndarray:
    back = edges.copy()
    back["source"], back["target"] = edges["target"], edges["source"]
    return np.concatenate([edges, back])


def sample_neighbours(
    edges: np.ndarray, fanout: int, rng: np.random.Generator
) -> np.ndarray:
    """Keep at most `fanout` incoming edges of each gene, sampled without replacement; sorted by target."""
    # edges of one target stand in random order: the first `fanout` of them are a sample
    drawn = rng.random(len(edges))
    return edges[_lowest(np.ascontiguousarray(edges["target"]), drawn, fanout)]


# compiled: two passes over the edges cost a tenth of sorting all of them by two keys
@njit(cache=True, nogil=True)
def _lowest(target: np.ndarray, drawn: np.ndarray, fanout: int) -> np.ndarray:
    """Edges by target, and of each target at most `fanout`: those of the lowest numbers, the lowest first."""
    n_targets = target.max() + 1 if len(target) else 0
    kept = np.zeros(n_targets, np.int64)
    for edge in range(len(target)):
        kept[target[edge]] += 1
    size, first = 0, np.empty(n_targets, np.int64)
    for n in range(n_targets):
        first[n] = size
        size += min(kept[n], fanout)

    found = np.empty(size, np.int64)
    kept[:] = 0
    for edge in range(len(target)):
        n = target[edge]
        start, place = first[n], first[n] + kept[n]
        if kept[n] == fanout:
            # all places are taken: the highest of them goes, unless this one is higher
            place -= 1
            if fanout == 0 or drawn[found[place]] <= drawn[edge]:
                continue
        else:
            kept[n] += 1
        while place > start and drawn[found[place - 1]] > drawn[edge]:
            found[place] = found[place - 1]
            place -= 1
        found[place] = edge
    return found
