"""Sparse products against explicit loops; neighbour sampling."""

from dataclasses import replace

import numpy as np
import torch

from grnformer.model.links import Propagation
from grnformer.model.structure import EdgeList, sample_neighbours, scale_graph


def open_edges(edges: EdgeList, active_K: np.ndarray) -> EdgeList:
    """The explicit graph of one cell: its open edges, without gates."""
    chosen = edges.take(active_K[edges.gate] > 0)
    return replace(chosen, gate=np.full(len(chosen), -1))


def by_loops(edges, x_NBS, active_KB):
    out = torch.zeros_like(x_NBS)
    for b in range(x_NBS.shape[1]):
        for i in range(x_NBS.shape[0]):
            total, weight = torch.zeros(x_NBS.shape[2]), 0.0
            for e in range(len(edges)):
                gate = 1.0 if edges.gate[e] < 0 else float(active_KB[edges.gate[e], b])
                if edges.target[e] == i and gate:
                    total += float(edges.weight[e]) * x_NBS[edges.source[e], b]
                    weight += abs(float(edges.weight[e]))
            if weight:
                out[i, b] = total / weight
    return out


def test_propagation_equals_loops_with_and_without_gates(structure, batch):
    x_NBS = torch.randn(structure.n_genes, 6, 3, generator=torch.Generator().manual_seed(0))
    active_KB = batch.active_BK.T
    for edges in (structure.type_edges[0], structure.cell_edges):
        sources = np.unique(edges.source)
        product = Propagation(edges, sources, structure.n_genes, torch.device("cpu"))
        torch.testing.assert_close(product(x_NBS[sources], active_KB), by_loops(edges, x_NBS, active_KB))


def test_activity_mask_equals_the_explicit_subgraph_of_each_cell(structure, batch):
    x_NBS = torch.randn(structure.n_genes, 6, 3, generator=torch.Generator().manual_seed(0))
    edges = structure.cell_edges
    whole = scale_graph([(np.arange(6), edges)])
    masked = whole.propagate(x_NBS[whole.sources], batch.active_BK.T, np.arange(20))
    for b in range(6):
        own = scale_graph([(np.arange(1), open_edges(edges, batch.active_BK[b].numpy()))])
        explicit = own.propagate(x_NBS[own.sources][:, b : b + 1], batch.active_BK.T[:, b : b + 1], np.arange(20))
        torch.testing.assert_close(masked[:, b], explicit[:, 0])


def test_groups_of_cells_come_back_in_their_order(structure, batch):
    x_NBS = torch.randn(structure.n_genes, 6, 3, generator=torch.Generator().manual_seed(0))
    lists = [(np.flatnonzero(batch.type_B == t), structure.type_edges[t]) for t in (1, 0)]
    graph = scale_graph(lists)
    together = graph.propagate(x_NBS[graph.sources], batch.active_BK.T, np.arange(20))
    for b, t in enumerate(batch.type_B):
        torch.testing.assert_close(together[:, b], by_loops(structure.type_edges[t], x_NBS, None)[:, b])


def test_sampling_keeps_at_most_the_fanout_without_repeats_and_at_random(structure):
    edges = structure.cell_edges
    kept = sample_neighbours(edges, 2, np.random.default_rng(0))
    degree, sampled = (np.bincount(e.target, minlength=20) for e in (edges, kept))
    np.testing.assert_array_equal(sampled, np.minimum(degree, 2))
    original = set(zip(edges.source, edges.target, edges.weight, strict=True))
    assert set(zip(kept.source, kept.target, kept.weight, strict=True)) <= original
    draws = {sample_neighbours(edges, 2, np.random.default_rng(s)).weight.tobytes() for s in range(5)}
    assert len(draws) > 1


def test_gathered_messages_are_those_of_the_product(structure, batch):
    x_NBS = torch.randn(structure.n_genes, 6, 3, generator=torch.Generator().manual_seed(0))
    by_type = [(np.flatnonzero(batch.type_B == t), structure.type_edges[t]) for t in (0, 1)]
    for groups in (by_type, [(np.arange(6), structure.cell_edges)]):
        graph = scale_graph(groups)
        x_TBS, active_KB = x_NBS[graph.sources], batch.active_BK.T
        all_genes = graph.propagate(x_TBS, active_KB, np.arange(20))
        expected = all_genes[batch.gene_BL, torch.arange(6)[:, None]]
        torch.testing.assert_close(graph.gather(x_TBS, active_KB, batch.gene_BL), expected)
