"""Graph layers against PyTorch Geometric on graphs of four genes, signs, and the fusion of scales."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch

from grnformer.core.errors import InputError
from grnformer.graph.links import gather_edges
from grnformer.graph.perturb import NO_PERTURBATION
from grnformer.graph.structure import ALWAYS_OPEN, make_edges
from grnformer.model.gnn import GNNS, GatLayer, ScaleFusion

# 0 -> 1, 0 -> 2, 1 -> 2, 2 -> 3, 3 -> 0: all four send, so that both kinds of links can be asked
SOURCE, TARGET, S = np.array([0, 0, 1, 2, 3]), np.array([1, 2, 2, 3, 0]), 4
EVERY_GENE = torch.arange(4)[None]


def messages(layer, x_NS, weight, gate=ALWAYS_OPEN, active_KB=None, kept=slice(None)):
    """Messages into the four genes of one cell, (4, S), along the edges that are `kept`."""
    weight = layer.weigh(np.asarray(weight, np.float32))
    edges = make_edges(SOURCE, TARGET, weight, gate)[kept]
    edges = edges[np.argsort(edges["target"], kind="stable")]
    active_KB = torch.ones(1, 1) if active_KB is None else active_KB
    (batch,) = gather_edges(
        [edges],
        np.zeros(1, int),
        active_KB,
        EVERY_GENE,
        4,
        1,
        degrees=layer.needs_degrees,
    )
    return layer.messages(x_NS, batch)


@pytest.fixture(scope="module")
def geometric():
    with warnings.catch_warnings():
        # of PyTorch Geometric's own classes
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        import torch_geometric.nn
    return torch_geometric.nn


@pytest.fixture
def x_NS():
    return torch.randn(4, S, generator=torch.Generator().manual_seed(0))


def make(name):
    torch.manual_seed(1)
    return GNNS[name](S, 2)


INDEX = torch.from_numpy(np.stack([SOURCE, TARGET]))


def test_gcn_is_that_of_pytorch_geometric(geometric, x_NS):
    layer, reference = make("gcn"), geometric.GCNConv(S, S, bias=False)
    weight = np.array([0.5, 1.5, 0.8, 1.2, 1.0])
    with torch.no_grad():
        reference.lin.weight.copy_(layer.linear.weight)
    expected = reference(x_NS, INDEX, torch.from_numpy(weight).float())
    # their mean is 1: 7 is divided out
    got = messages(layer, x_NS, 7 * weight) @ layer.linear.weight.T
    torch.testing.assert_close(got, expected)


def test_gin_is_that_of_pytorch_geometric(geometric, x_NS):
    layer = make("gin")
    with torch.no_grad():
        layer.epsilon.fill_(0.3)
    reference = geometric.GINConv(layer.perceptron, eps=0.3)
    expected = torch.relu(layer.norm(reference(x_NS, INDEX)))
    torch.testing.assert_close(
        layer(x_NS, messages(layer, x_NS, [3, 1, 2, 5, 0.1])), expected
    )


def test_gat_is_that_of_pytorch_geometric_and_a_weight_of_two_is_two_edges(
    geometric, x_NS
):
    layer, reference = (
        make("gat"),
        geometric.GATConv(S, S // 2, heads=2, add_self_loops=False, bias=False),
    )
    with torch.no_grad():
        reference.lin.weight.copy_(layer.linear.weight)
        reference.att_src.copy_(layer.source[None])
        reference.att_dst.copy_(layer.target[None])
    torch.testing.assert_close(
        messages(layer, x_NS, np.ones(5)), reference(x_NS, INDEX)
    )
    twice = torch.cat([INDEX, INDEX[:, 1:2]], dim=1)
    torch.testing.assert_close(
        messages(layer, x_NS, [1, 2, 1, 1, 1]), reference(x_NS, twice)
    )


@pytest.mark.parametrize("name", sorted(GNNS))
def test_a_negative_edge_takes_away_what_a_positive_one_adds(x_NS, name):
    layer = make(name)
    weight = np.array([1.0, 2.0, 0.5, 1.0, 1.0])
    plus, minus = (messages(layer, x_NS, weight * [s, 1, 1, 1, 1]) for s in (1, -1))
    own = messages(layer, x_NS, weight * [1e-12, 1, 1, 1, 1]) if name == "gcn" else None
    torch.testing.assert_close(plus[2:], minus[2:])
    assert (plus[1] - minus[1]).abs().max() > 0.1
    if own is None:  # gene 1 has this edge alone
        torch.testing.assert_close(plus[1], -minus[1])


@pytest.mark.parametrize("name", sorted(GNNS))
def test_a_closed_edge_is_no_edge(x_NS, name):
    """The graph with eRegulon 1 closed against the one without its edge; weights of 1, so that their mean stays."""
    layer = make(name)
    gate = [0, 1, 0, 0, 0]
    open_, closed = (
        messages(layer, x_NS, np.ones(5), gate, torch.tensor([[1.0], [state]]))
        for state in (1.0, 0.0)
    )
    without = messages(layer, x_NS, np.ones(5), kept=np.arange(5) != 1)
    torch.testing.assert_close(closed, without)
    assert (open_[2] - closed[2]).abs().max() > 0.01


@pytest.mark.parametrize("name", sorted(GNNS))
def test_cells_of_a_batch_do_not_mix_and_both_depths_carry_information(
    make_model, batch, structure, name
):
    model = make_model(gnn=name)

    def embed(changed):
        return model.structure_embeddings(
            changed, structure, np.random.default_rng(0), NO_PERTURBATION
        )

    before = embed(batch)
    value_BL = batch.value_BL.clone()
    value_BL[2, 3:] = 1 - value_BL[2, 3:]
    after = embed(dataclasses.replace(batch, value_BL=value_BL))
    torch.testing.assert_close(before[[0, 1, 3, 4, 5]], after[[0, 1, 3, 4, 5]])
    assert (before[2] - after[2]).abs().max() > 1e-3


@pytest.mark.parametrize("name", sorted(GNNS))
def test_a_cells_embeddings_do_not_depend_on_the_types_beside_it(
    make_model, batch, structure, name
):
    """Edges of one type weigh ten times those of the other."""
    structure["cell_type"][1]["weight"] *= 10
    model = make_model(gnn=name)

    def embed(cells):
        return model.structure_embeddings(
            cells, structure, np.random.default_rng(0), NO_PERTURBATION
        )

    assert set(batch.type_B) == {0, 1}
    every = embed(batch)
    for number in (0, 1):
        own = np.flatnonzero(batch.type_B == number)
        torch.testing.assert_close(embed(batch.take(own)), every[own])


def test_gate_starts_as_the_sum_and_every_fusion_has_the_width(x_NS):
    scales = [x_NS, x_NS.flip(0)]
    torch.testing.assert_close(
        ScaleFusion("gate", S, 2)(scales), ScaleFusion("sum", S, 2)(scales)
    )
    assert ScaleFusion("concat", S, 2)(scales).shape == x_NS.shape
    gate = ScaleFusion("gate", S, 2)
    with torch.no_grad():
        gate.linear.bias[:S].fill_(50.0)  # all weight on the first scale
    torch.testing.assert_close(gate(scales), 2 * x_NS)


def test_heads_that_do_not_divide_the_width_are_named():
    with pytest.raises(InputError, match=r"gnn\.width is 6 and gnn\.n_heads 4"):
        GatLayer(6, 4)
