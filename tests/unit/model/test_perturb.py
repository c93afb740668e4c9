"""Edge perturbation replaces the stated share, by the stated links."""

import numpy as np
import pytest

from grnformer.graph.perturb import count_links, perturb_edges
from grnformer.graph.structure import EdgeList
from grnformer.model.grnformer import Perturbation, draw_graphs


@pytest.fixture
def edges():
    count = 1000
    return EdgeList(np.full(count, 0), np.full(count, 1), np.full(count, -2.0, np.float32), np.arange(count))


EXPRESSED = [np.array([10, 11, 12]), np.array([20, 21]), np.array([30])]


def run(edges, strategy, seed=0, power=0):
    return perturb_edges(edges, strategy, 0.2, EXPRESSED, 50, np.random.default_rng(seed), degree_power=power)


@pytest.mark.parametrize("strategy", ["random", "coexpression"])
def test_the_stated_fraction_is_replaced_by_seed(edges, strategy):
    changed = run(edges, strategy)
    moved = (changed.source != 0) | (changed.target != 1)
    assert 195 <= moved.sum() <= 200
    assert (changed.source != changed.target).all()
    np.testing.assert_array_equal(changed.gate, edges.gate)
    np.testing.assert_array_equal(changed.source, run(edges, strategy).source)
    assert (changed.source != run(edges, strategy, 1).source).any()


def test_coexpression_links_join_genes_of_one_cell_and_are_positive(edges):
    changed = run(edges, "coexpression")
    moved = changed.source != 0
    pairs = set(zip(changed.source[moved], changed.target[moved], strict=True))
    allowed = {(a, b) for cell in EXPRESSED for a in cell for b in cell if a != b}
    assert pairs == allowed
    assert (changed.weight[moved] == 2).all()
    assert (changed.weight[~moved] == -2).all()


def test_none_changes_nothing(edges):
    assert run(edges, "none") is edges


@pytest.fixture
def hub():
    """Gene 0 regulates genes 1 to 200, as a TF does; genes 201 to 399 have no link."""
    target = np.arange(1, 201)
    return EdgeList(np.zeros(200, int), target, np.ones(200, np.float32), np.full(200, -1))


def degrees_after(hub, strategy, power, share=0.5, draws=30):
    expressed = [np.arange(0, 400, 2), np.arange(0, 400, 3)]
    counts = [
        count_links(
            perturb_edges(hub, strategy, share, expressed, 400, np.random.default_rng(s), degree_power=power), 400
        )
        for s in range(draws)
    ]
    assert all(count.sum() == 400 for count in counts)
    return np.mean(counts, axis=0)


@pytest.mark.parametrize("strategy", ["random", "coexpression"])
def test_degree_power_draws_links_to_genes_by_their_links(hub, strategy):
    """Of the 100 links taken from the hub, none come back at random, many at power 1; the unlinked gain at -1."""
    unlinked = np.arange(202, 400, 2)
    by_power = {power: degrees_after(hub, strategy, power) for power in (-1, 0, 1)}
    assert 99 < by_power[-1][0] < by_power[0][0] < 102
    assert by_power[1][0] > 130
    gain = {power: degree[unlinked].mean() for power, degree in by_power.items()}
    assert gain[-1] > 1.1 * gain[0] > 1.2 * gain[1]


@pytest.mark.parametrize("strategy", ["random", "coexpression"])
def test_weighted_links_join_two_genes_of_one_cell_in_proportion(strategy):
    """Two genes with 1 and 3 as weights among three: the first of a link follows the weights."""
    loose = EdgeList(np.array([2, 2]), np.array([3, 3]), np.ones(2, np.float32), np.full(2, -1))
    edges = EdgeList(*(np.tile(getattr(loose, f), 3000) for f in ("source", "target", "weight", "gate")))
    cells = [np.array([0, 1]), np.array([0, 1])]
    changed = perturb_edges(edges, strategy, 1.0, cells, 4, np.random.default_rng(0), degree_power=0.5)
    assert (changed.source != changed.target).all()
    if strategy == "coexpression":
        assert set(zip(changed.source, changed.target, strict=True)) == {(0, 1), (1, 0)}
        assert 0.45 < (changed.source == 0).mean() < 0.55
    else:  # genes 2 and 3 have all links
        assert np.isin(changed.source, [2, 3]).mean() > 0.95


def test_a_step_draws_the_same_edges_again_and_another_step_others(make_model, batch, structure):
    """Training seeds the draws of a step by the run's seed and the step's number."""
    made = [
        draw_graphs(batch, structure, 3, Perturbation("coexpression", 0.5, -1.0), np.random.default_rng([1, 2, step]))
        for step in (5, 5, 6)
    ]
    sources = [np.concatenate([edges.source for _, edges in graphs["cell"].groups]).tobytes() for graphs in made]
    assert sources[0] == sources[1] != sources[2]
