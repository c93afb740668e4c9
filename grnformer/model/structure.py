"""Edges of a batch of cells: neighbour sampling, and one sparse x dense product for all cells that share a graph.

Shapes: N genes, B cells, L tokens a cell, S structure width, E edges, R message rows, K eRegulons, T source genes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from grnformer.fuse.graph import Graph


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


class Propagation:
    """Signed weighted mean over incoming edges, for all cells of a group at once.

    out[i, b] = sum_e w_e g_eb x[source(e), b] / sum_e |w_e| g_eb over the edges e into gene i that are open in cell b;
    0 where there is none. Edges with the same source and gate share one message row, so that the cost is one product of
    a sparse (N x R) with a dense (R x B S) matrix, whatever the number of cells.
    """

    def __init__(self, edges: EdgeList, sources: np.ndarray, n_genes: int, device: torch.device) -> None:
        place = np.searchsorted(sources, edges.source)
        rows, row = np.unique(np.stack([place, edges.gate]), axis=1, return_inverse=True)
        self.row_source = torch.from_numpy(rows[0]).to(device)
        self.row_gate = torch.from_numpy(rows[1]).to(device) if len(edges) and edges.gate[0] >= 0 else None
        index = torch.from_numpy(np.stack([edges.target, row.reshape(-1)]))
        shape = (n_genes, rows.shape[1])
        weight = torch.from_numpy(edges.weight.astype(np.float32))
        self.matrix = torch.sparse_coo_tensor(index, weight, shape, check_invariants=False).coalesce().to(device)
        self.norm = torch.sparse_coo_tensor(index, weight.abs(), shape, check_invariants=False).coalesce().to(device)

    def __call__(self, x_TBS: torch.Tensor, active_KB: torch.Tensor | None) -> torch.Tensor:
        """x_TBS: features of the sources; active_KB: eRegulons active in each cell. Returns (N, B, S)."""
        message_RBS = x_TBS[self.row_source]
        if self.row_gate is None or active_KB is None:
            gate_RB = x_TBS.new_ones(len(self.row_source), 1)
        else:
            gate_RB = active_KB[self.row_gate]
            message_RBS = message_RBS * gate_RB[:, :, None]
        n_rows, n_cells, width = message_RBS.shape
        total_NBS = torch.sparse.mm(self.matrix, message_RBS.reshape(n_rows, n_cells * width))
        total_NBS = total_NBS.unflatten(1, (n_cells, width))
        weight_NB = torch.sparse.mm(self.norm, gate_RB)
        return total_NBS / weight_NB.clamp(min=1e-12)[:, :, None]


@dataclass(frozen=True)
class ScaleGraph:
    """The drawn edges of a batch on one scale: groups of cells (columns of the batch) that share one edge list.

    Edges are sorted by target; `sources` are the genes that send messages, ascending.
    """

    sources: np.ndarray
    groups: list[tuple[np.ndarray, EdgeList]]

    def propagate(self, x_TBS: torch.Tensor, active_KB: torch.Tensor, targets: np.ndarray) -> torch.Tensor:
        """Messages into the same genes (`targets`, ascending) of every cell: (T, B, S) -> (targets, B, S)."""
        parts = []
        for columns, edges in self.groups:
            inside = edges.take(np.flatnonzero(np.isin(edges.target, targets)))
            inside = replace(inside, target=np.searchsorted(targets, inside.target))
            product = Propagation(inside, self.sources, len(targets), x_TBS.device)
            parts.append(product(x_TBS[:, columns], active_KB[:, columns]))
        back = np.argsort(np.concatenate([columns for columns, _ in self.groups]))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)[:, back]

    def gather(self, x_TBS: torch.Tensor, active_KB: torch.Tensor, tokens_BL: torch.Tensor) -> torch.Tensor:
        """Messages into each cell's own tokens, the same mean: (T, B, S) -> (B, L, S).

        A cell has few of the genes as tokens, and these have few edges: cheaper than all genes of all cells.
        """
        from grnformer.model.open_edges import find_open_edges

        n_cells, n_tokens = tokens_BL.shape
        genes_BL, opened_KB = tokens_BL.cpu().numpy(), active_KB.cpu().numpy()
        place, source, weight, gate = [], [], [], []
        for columns, edges in self.groups:
            first = np.searchsorted(edges.target, np.arange(genes_BL.max(initial=0) + 2))
            slot, chosen = find_open_edges(first, edges.gate, opened_KB, genes_BL[columns], np.asarray(columns))
            place.append(slot)
            source.append(np.searchsorted(self.sources, edges.source[chosen]))
            weight.append(edges.weight[chosen])
            gate.append(edges.gate[chosen])
        device = x_TBS.device
        order = np.argsort(np.concatenate(place), kind="stable")
        place_E, source_E, weight_E, gate_E = (
            torch.from_numpy(np.concatenate(part)[order]).to(device) for part in (place, source, weight, gate)
        )
        cell_E = place_E // n_tokens
        if len(gate_E) and gate_E[0] >= 0:
            weight_E = weight_E * active_KB[gate_E, cell_E]
        weight_E = weight_E.to(x_TBS.dtype)
        start = torch.searchsorted(place_E, torch.arange(n_cells * n_tokens, device=device))
        # weighted sums of the rows of x without a copy of them for each edge
        total = torch.nn.functional.embedding_bag(
            source_E * n_cells + cell_E, x_TBS.flatten(0, 1), start, mode="sum", per_sample_weights=weight_E
        )
        norm = x_TBS.new_zeros(n_cells * n_tokens).index_add(0, place_E, weight_E.abs())
        return (total / norm.clamp(min=1e-12)[:, None]).unflatten(0, (n_cells, n_tokens))


def scale_graph(groups: list[tuple[np.ndarray, EdgeList]]) -> ScaleGraph:
    """One scale's graph from (columns of the batch, edges) groups; edges in any order."""
    ordered = [(columns, edges.take(np.argsort(edges.target, kind="stable"))) for columns, edges in groups]
    return ScaleGraph(np.unique(np.concatenate([edges.source for _, edges in groups])), ordered)
