"""Message passing against explicit loops."""

import numpy as np
import pytest
import torch

from grnformer.graph.links import EdgeBatch, gather_edges
from grnformer.graph.structure import ALWAYS_OPEN

N_GENES, N_CELLS = 20, 6


def by_target(edges):
    return edges[np.argsort(edges["target"], kind="stable")]


def open_edges(edges, active_K):
    """The explicit graph of one cell: its open edges, without gates."""
    chosen = edges[active_K[edges["gate"]] > 0]
    chosen["gate"] = ALWAYS_OPEN
    return chosen


def by_loops(edges, x_NBS, active_KB):
    out = torch.zeros_like(x_NBS)
    for b in range(x_NBS.shape[1]):
        for i in range(x_NBS.shape[0]):
            total, weight = torch.zeros(x_NBS.shape[2]), 0.0
            for edge in edges:
                gate = (
                    1.0
                    if edge["gate"] == ALWAYS_OPEN
                    else float(active_KB[edge["gate"], b])
                )
                if edge["target"] == i and gate:
                    total += float(edge["weight"]) * gate * x_NBS[edge["source"], b]
                    weight += abs(float(edge["weight"])) * gate
            if weight:
                out[i, b] = total / weight
    return out


def into_all(groups, group_B, x_NBS, active_KB):
    """Mean messages into all genes of all cells, (N, B, S)."""
    tokens_BL = torch.arange(N_GENES).expand(x_NBS.shape[1], -1)
    sampled = [by_target(edges) for edges in groups]
    (batch,) = gather_edges(sampled, group_B, active_KB, tokens_BL, N_GENES, 1)
    mean_PS = batch.mean(x_NBS[batch.gene_R, batch.cell_R])
    return mean_PS.unflatten(0, tokens_BL.shape).transpose(0, 1)


@pytest.fixture
def x_NBS():
    return torch.randn(N_GENES, N_CELLS, 3, generator=torch.Generator().manual_seed(0))


def test_messages_equal_loops_with_and_without_gates(structure, batch, x_NBS):
    active_KB = (
        batch.active_BK.T * torch.linspace(0.5, 1, batch.active_BK.shape[1])[:, None]
    )
    one_group = np.zeros(N_CELLS, int)
    for edges in (structure["cell_type"][0], structure["cell"][0]):
        got = into_all([edges], one_group, x_NBS, active_KB)
        torch.testing.assert_close(got, by_loops(edges, x_NBS, active_KB))


def test_activity_mask_equals_the_explicit_subgraph_of_each_cell(
    structure, batch, x_NBS
):
    edges = structure["cell"][0]
    masked = into_all([edges], np.zeros(N_CELLS, int), x_NBS, batch.active_BK.T)
    for b in range(N_CELLS):
        subgraph = open_edges(edges, batch.active_BK[b].numpy())
        explicit = into_all(
            [subgraph],
            np.zeros(1, int),
            x_NBS[:, b : b + 1],
            batch.active_BK.T[:, b : b + 1],
        )
        torch.testing.assert_close(masked[:, b], explicit[:, 0])


def test_each_cell_has_the_edges_of_its_group(structure, batch, x_NBS):
    groups = structure["cell_type"][::-1]
    together = into_all(groups, 1 - batch.type_B, x_NBS, batch.active_BK.T)
    for b, t in enumerate(batch.type_B):
        torch.testing.assert_close(
            together[:, b], by_loops(structure["cell_type"][t], x_NBS, None)[:, b]
        )


def test_rows_are_the_tokens_and_all_that_reaches_them_once(structure, batch):
    edges, active_BK = structure["cell"][0], batch.active_BK.numpy()
    one_group = np.zeros(N_CELLS, int)
    wide, narrow = gather_edges(
        [by_target(edges)], one_group, batch.active_BK.T, batch.gene_BL, N_GENES, 2
    )
    n_tokens = batch.gene_BL.numel()
    assert wide.gene_R[:n_tokens].tolist() == batch.gene_BL.flatten().tolist()
    assert (narrow.n_targets, wide.n_targets) == (n_tokens, len(narrow.gene_R))
    rows = list(zip(wide.cell_R.tolist(), wide.gene_R.tolist(), strict=True))
    assert len(set(rows)) == len(rows)
    for b in range(N_CELLS):
        subgraph = open_edges(edges, active_BK[b])
        reached = set(batch.gene_BL[b].tolist())
        for _ in range(2):
            reached |= set(
                subgraph["source"][np.isin(subgraph["target"], list(reached))].tolist()
            )
        assert {gene for cell, gene in rows if cell == b} == reached


def test_degrees_are_sums_of_the_open_weights_into_each_row(structure, batch):
    edges = structure["cell"][0]
    (made,) = gather_edges(
        [by_target(edges)],
        np.zeros(N_CELLS, int),
        batch.active_BK.T,
        batch.gene_BL,
        N_GENES,
        1,
        degrees=True,
    )
    expected = np.zeros((N_CELLS, N_GENES), np.float32)
    for b in range(N_CELLS):
        subgraph = open_edges(edges, batch.active_BK[b].numpy())
        np.add.at(expected[b], subgraph["target"], np.abs(subgraph["weight"]))
    torch.testing.assert_close(
        made.degree_R, torch.from_numpy(expected)[made.cell_R, made.gene_R]
    )


def test_gradients_of_sums_are_those_of_numerical_differences():
    rng = np.random.default_rng(1)
    n_rows, n_targets, n_edges, n_heads = 7, 4, 12, 2
    source = torch.from_numpy(
        rng.integers(0, n_rows - 1, n_edges)
    )  # the last sends nothing
    target = torch.from_numpy(
        np.sort(rng.integers(0, n_targets - 1, n_edges))
    )  # the last gets nothing
    weight = torch.from_numpy(rng.normal(size=n_edges))
    zeros = torch.zeros(n_rows, dtype=torch.int64)
    edges = EdgeBatch(zeros, zeros, source, target, weight, n_targets)

    def draw(*shape):
        return torch.from_numpy(rng.normal(size=shape)).requires_grad_()

    x, sources, targets = (
        draw(n_rows, 6),
        draw(n_rows, n_heads),
        draw(n_targets, n_heads),
    )
    assert torch.autograd.gradcheck(edges.total, (x,))
    assert torch.autograd.gradcheck(edges.mean, (x,))
    assert torch.autograd.gradcheck(edges.attend, (x, sources, targets))
    assert not edges.attend(x, sources, targets)[-1].any()
