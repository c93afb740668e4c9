"""Sparse products against explicit loops; neighbour sampling."""

from dataclasses import replace

import numpy as np
import torch

from grnformer.graph.links import Reach
from grnformer.graph.structure import EdgeList, sample_neighbours, scale_graph


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


def into_all(graph, x_NBS, active_KB):
    """Mean messages into all genes of all cells, (N, B, S)."""
    tokens = torch.arange(20).expand(x_NBS.shape[1], -1)
    return graph.gather(x_NBS[graph.sources], active_KB, tokens).transpose(0, 1)


def test_messages_equal_loops_with_and_without_gates(structure, batch):
    x_NBS = torch.randn(structure.n_genes, 6, 3, generator=torch.Generator().manual_seed(0))
    active_KB = batch.active_BK.T
    for edges in (structure.type_edges[0], structure.cell_edges):
        graph = scale_graph([(np.arange(6), edges)])
        torch.testing.assert_close(into_all(graph, x_NBS, active_KB), by_loops(edges, x_NBS, active_KB))


def test_activity_mask_equals_the_explicit_subgraph_of_each_cell(structure, batch):
    x_NBS = torch.randn(structure.n_genes, 6, 3, generator=torch.Generator().manual_seed(0))
    edges = structure.cell_edges
    masked = into_all(scale_graph([(np.arange(6), edges)]), x_NBS, batch.active_BK.T)
    for b in range(6):
        own = scale_graph([(np.arange(1), open_edges(edges, batch.active_BK[b].numpy()))])
        explicit = into_all(own, x_NBS[:, b : b + 1], batch.active_BK.T[:, b : b + 1])
        torch.testing.assert_close(masked[:, b], explicit[:, 0])


def test_groups_of_cells_keep_their_own_edges(structure, batch):
    x_NBS = torch.randn(structure.n_genes, 6, 3, generator=torch.Generator().manual_seed(0))
    lists = [(np.flatnonzero(batch.type_B == t), structure.type_edges[t]) for t in (1, 0)]
    together = into_all(scale_graph(lists), x_NBS, batch.active_BK.T)
    for b, t in enumerate(batch.type_B):
        torch.testing.assert_close(together[:, b], by_loops(structure.type_edges[t], x_NBS, None)[:, b])


def test_rows_are_the_tokens_and_all_that_reaches_them_once(structure, batch):
    graph, active_BK = scale_graph([(np.arange(6), structure.cell_edges)]), batch.active_BK.numpy()
    reach = Reach(graph, batch.active_BK.T, batch.gene_BL, 2)
    n_tokens = batch.gene_BL.numel()
    assert reach.gene_R[:n_tokens].tolist() == batch.gene_BL.flatten().tolist()
    assert [links.n_places for links in reach.layers][1] == n_tokens
    rows = list(zip(reach.cell_R.tolist(), reach.gene_R.tolist(), strict=True))
    assert len(set(rows)) == len(rows)
    for b in range(6):
        edges = open_edges(structure.cell_edges, active_BK[b])
        reached = set(batch.gene_BL[b].tolist())
        for _ in range(2):
            reached |= set(edges.source[np.isin(edges.target, list(reached))].tolist())
        assert {gene for cell, gene in rows if cell == b} == reached


def test_sampling_keeps_at_most_the_fanout_without_repeats_and_at_random(structure):
    edges = structure.cell_edges
    kept = sample_neighbours(edges, 2, np.random.default_rng(0))
    degree, sampled = (np.bincount(e.target, minlength=20) for e in (edges, kept))
    np.testing.assert_array_equal(sampled, np.minimum(degree, 2))
    original = set(zip(edges.source, edges.target, edges.weight, strict=True))
    assert set(zip(kept.source, kept.target, kept.weight, strict=True)) <= original
    draws = {sample_neighbours(edges, 2, np.random.default_rng(s)).weight.tobytes() for s in range(5)}
    assert len(draws) > 1
