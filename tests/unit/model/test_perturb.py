"""Edge perturbation replaces the stated share, by the stated links."""

import numpy as np
import pytest

from grnformer.model.perturb import perturb_edges
from grnformer.model.structure import EdgeList


@pytest.fixture
def edges():
    count = 1000
    return EdgeList(np.full(count, 0), np.full(count, 1), np.full(count, -2.0, np.float32), np.arange(count))


EXPRESSED = [np.array([10, 11, 12]), np.array([20, 21]), np.array([30])]


def run(edges, strategy, seed=0, power=0):
    return perturb_edges(edges, strategy, 0.2, EXPRESSED, 50, np.random.default_rng(seed), degree_power=power)


@pytest.mark.parametrize("strategy", ["random", "coexpression"])
def test_the_stated_share_is_replaced_by_seed(edges, strategy):
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
