"""Edge perturbation replaces the stated share, by the stated links."""

import numpy as np
import pytest

from grnformer.graph.perturb import (
    Perturbation,
    count_links,
    perturb_edges,
    sample_edges,
)
from grnformer.graph.structure import make_edges


@pytest.fixture
def edges():
    count = 1000
    return make_edges(
        np.full(count, 0), np.full(count, 1), np.full(count, -2.0), np.arange(count)
    )


EXPRESSED = [np.array([10, 11, 12]), np.array([20, 21]), np.array([30])]


def run(edges, strategy, seed=0, power=0):
    return perturb_edges(
        edges,
        Perturbation(strategy, 0.2, power),
        EXPRESSED,
        50,
        np.random.default_rng(seed),
    )


@pytest.mark.parametrize("strategy", ["random", "coexpression"])
def test_the_stated_fraction_is_replaced_by_seed(edges, strategy):
    changed = run(edges, strategy)
    moved = (changed["source"] != 0) | (changed["target"] != 1)
    assert 195 <= moved.sum() <= 200
    assert (changed["source"] != changed["target"]).all()
    np.testing.assert_array_equal(changed["gate"], edges["gate"])
    np.testing.assert_array_equal(changed["source"], run(edges, strategy)["source"])
    assert (changed["source"] != run(edges, strategy, 1)["source"]).any()


def test_coexpression_links_join_genes_of_one_cell_and_are_positive(edges):
    changed = run(edges, "coexpression")
    moved = changed["source"] != 0
    pairs = set(zip(changed["source"][moved], changed["target"][moved], strict=True))
    allowed = {(a, b) for cell in EXPRESSED for a in cell for b in cell if a != b}
    assert pairs == allowed
    assert (changed["weight"][moved] == 2).all()
    assert (changed["weight"][~moved] == -2).all()


def test_none_changes_nothing(edges):
    assert run(edges, "none") is edges


@pytest.fixture
def hub():
    """Gene 0 regulates genes 1 to 200, as a TF does; genes 201 to 399 have no link."""
    target = np.arange(1, 201)
    return make_edges(np.zeros(200, int), target, np.ones(200))


def degrees_after(hub, strategy, power):
    expressed = [np.arange(0, 400, 2), np.arange(0, 400, 3)]
    perturbation = Perturbation(strategy, 0.5, power)
    changed = (
        perturb_edges(hub, perturbation, expressed, 400, np.random.default_rng(s))
        for s in range(30)
    )
    counts = [count_links(edges, 400) for edges in changed]
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
    edges = make_edges(np.full(6000, 2), np.full(6000, 3), np.ones(6000))
    cells = [np.array([0, 1]), np.array([0, 1])]
    changed = perturb_edges(
        edges, Perturbation(strategy, 1.0, 0.5), cells, 4, np.random.default_rng(0)
    )
    assert (changed["source"] != changed["target"]).all()
    if strategy == "coexpression":
        assert set(zip(changed["source"], changed["target"], strict=True)) == {
            (0, 1),
            (1, 0),
        }
        assert 0.45 < (changed["source"] == 0).mean() < 0.55
    else:  # genes 2 and 3 have all links
        assert np.isin(changed["source"], [2, 3]).mean() > 0.95


def test_a_step_samples_the_same_edges_again_and_another_step_others(batch, structure):
    """Training seeds the edges of a step by the run's seed and the step's number."""
    perturbation = Perturbation("coexpression", 0.5, -1.0)

    def sources(step):
        rng = np.random.default_rng([1, 2, step])
        everyone = np.zeros(6, int)
        sampled, _ = sample_edges(
            structure["cell"], everyone, batch.expressed(), 20, 3, perturbation, rng
        )
        return sampled[0]["source"].tobytes()

    assert sources(5) == sources(5) != sources(6)


def test_cells_of_a_type_share_their_edges_and_a_cell_of_no_type_has_none(
    batch, structure
):
    type_B = np.array([1, -1, 0, 1, 0, 0])
    no_change = Perturbation("none", 0.0, 0.0)
    sampled, group_B = sample_edges(
        structure["cell_type"],
        type_B,
        batch.expressed(),
        20,
        100,
        no_change,
        np.random.default_rng(0),
    )
    edges = {
        int(number): sampled[group]
        for number, group in zip(type_B, group_B, strict=True)
    }
    assert len(edges[-1]) == 0
    for number in (0, 1):
        np.testing.assert_array_equal(
            np.sort(edges[number]), np.sort(structure["cell_type"][number])
        )
        assert (np.diff(edges[number]["target"]) >= 0).all()
