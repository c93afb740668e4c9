"""Edges of a batch of cells: edge lists of a bundle, neighbour sampling, groups of cells that share a graph.

Shapes: B cells, L tokens a cell, S structure width, E edges, K eRegulons, T source genes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from grnformer.graph.bundle import Graph
from grnformer.graph.links import Links, Reach


@dataclass(frozen=True)
class EdgeList:
    """Directed signed edges (arrays of length E): messages go from `source` (the TF) to `target`.

    `gate` is the eRegulon that opens the edge in a cell, or -1 where the edge is there in every cell.
    """

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    gate: np.ndarray

    def __len__(self) -> int:
        return len(self.source)

    def take(self, chosen: np.ndarray) -> EdgeList:
        """The chosen edges, in that order."""
        return EdgeList(self.source[chosen], self.target[chosen], self.weight[chosen], self.gate[chosen])

    def reversed_too(self) -> EdgeList:
        """Every edge in both directions."""
        return EdgeList(
            np.concatenate([self.source, self.target]),
            np.concatenate([self.target, self.source]),
            np.tile(self.weight, 2),
            np.tile(self.gate, 2),
        )


def edge_list(table: pd.DataFrame, gate: np.ndarray | None = None) -> EdgeList:
    """Edges of a bundle's table; weights carry the edges' signs and are never 0, so that a sign is never lost."""
    weight = np.maximum(table["weight"].to_numpy(np.float32), 1e-6) * table["sign"].to_numpy(np.float32)
    gates = np.full(len(table), -1) if gate is None else gate
    return EdgeList(table["tf"].to_numpy(), table["gene"].to_numpy(), weight, gates)


@dataclass(frozen=True)
class Structure:
    """Edge lists of a bundle: one a cell type, one for all eRegulons; None where the bundle lacks the scale."""

    n_genes: int
    cell_types: list[str]
    type_edges: list[EdgeList] | None
    cell_edges: EdgeList | None
    n_eregulons: int


def read_structure(graph: Graph, scales: list[str], cell_types: list[str], direction: str) -> Structure:
    """Edge lists of a graph for the given scales; `direction` is `tf_to_gene` or `both`."""
    parts: Mapping[str, pd.DataFrame] = dict(list(graph.edges.groupby("cell_type")))
    types = [edge_list(parts.get(name, graph.edges.iloc[:0])) for name in cell_types]
    cells = edge_list(graph.eregulons, graph.eregulons["eregulon"].to_numpy())
    if direction == "both":
        types, cells = [edges.reversed_too() for edges in types], cells.reversed_too()
    return Structure(
        len(graph.genes),
        cell_types,
        types if "cell_type" in scales else None,
        cells if "cell" in scales else None,
        len(graph.eregulon_names),
    )


def sample_neighbours(edges: EdgeList, fanout: int, rng: np.random.Generator) -> EdgeList:
    """Keep at most `fanout` incoming edges of each gene, drawn without replacement; sorted by target (CSR order)."""
    order = np.lexsort([rng.random(len(edges)), edges.target])
    target = edges.target[order]
    first = np.searchsorted(target, target)
    return edges.take(order[np.arange(len(order)) - first < fanout])


@dataclass(frozen=True)
class ScaleGraph:
    """The drawn edges of a batch on one scale: groups of cells (columns of the batch) that share one edge list.

    Edges are sorted by target; `sources` are the genes that send messages, ascending.
    """

    sources: np.ndarray
    groups: list[tuple[np.ndarray, EdgeList]]

    def reweighed(self, weights: str) -> ScaleGraph:
        """The same edges with weights `given`, `sign` (1 or -1) or `relative` (to the mean of their group's edges).

        Each group has a mean of its own, so that a cell is told the same whatever cells are beside it.
        """
        if weights == "given":
            return self
        change = np.sign if weights == "sign" else _relative
        return ScaleGraph(self.sources, [(c, replace(e, weight=change(e.weight))) for c, e in self.groups])

    def joined(self, n_cells: int, n_genes: int) -> tuple[EdgeList, np.ndarray, np.ndarray]:
        """The edges of all groups in one list, first edges by group and target (groups, genes + 1), groups of cells.

        `n_genes`: at least so many; more where edges have them.
        """
        lists, group_B = [edges for _, edges in self.groups], np.zeros(n_cells, np.int64)
        for number, (columns, _) in enumerate(self.groups):
            group_B[columns] = number
        whole = EdgeList(
            np.concatenate([e.source for e in lists]).astype(np.int64),
            np.concatenate([e.target for e in lists]).astype(np.int64),
            np.concatenate([e.weight for e in lists]).astype(np.float32),
            np.concatenate([e.gate for e in lists]).astype(np.int64),
        )
        n_genes = 1 + max(n_genes - 1, whole.source.max(initial=0), whole.target.max(initial=0))
        offset = np.cumsum([0, *(len(e) for e in lists[:-1])])
        first = [np.searchsorted(e.target, np.arange(n_genes + 1)) + n for e, n in zip(lists, offset, strict=True)]
        return whole, np.stack(first), group_B

    def gather(self, x_TBS: torch.Tensor, active_KB: torch.Tensor, tokens_BL: torch.Tensor) -> torch.Tensor:
        """Mean messages into each cell's own tokens, from features of the sources: (T, B, S) -> (B, L, S)."""
        reach = Reach(self, active_KB, tokens_BL, 1)
        links, sources = reach.layers[0], torch.from_numpy(self.sources).to(tokens_BL.device)
        place = torch.searchsorted(sources, reach.gene_R[links.row_E])
        row_E = place * x_TBS.shape[1] + reach.cell_R[links.row_E]
        sums = Links(links.place_E, row_E, links.weight_E, links.n_places).mean(x_TBS.flatten(0, 1))
        return sums.unflatten(0, tokens_BL.shape)


def _relative(weight: np.ndarray) -> np.ndarray:
    """Weights over the mean of their sizes."""
    return weight / np.float32(np.abs(weight).mean()) if len(weight) else weight


def scale_graph(groups: list[tuple[np.ndarray, EdgeList]]) -> ScaleGraph:
    """One scale's graph from (columns of the batch, edges) groups; edges in any order."""
    ordered = [(columns, edges.take(np.argsort(edges.target, kind="stable"))) for columns, edges in groups]
    return ScaleGraph(np.unique(np.concatenate([edges.source for _, edges in groups])), ordered)
