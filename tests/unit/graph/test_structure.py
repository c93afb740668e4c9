"""Edges read from a bundle; neighbour sampling."""

import numpy as np
import pytest

from grnformer.graph.structure import make_edges, read_structure, sample_neighbours


def test_the_edges_of_each_type_and_of_the_eregulons_are_read_with_signed_weights(
    graph,
):
    structure = read_structure(
        graph, ["cell_type", "cell"], ["B", "A", "none such"], "tf_to_gene"
    )
    for edges, table in (
        (structure["cell_type"][0], graph.edges[graph.edges["cell_type"] == "B"]),
        (structure["cell"][0], graph.eregulons),
    ):
        np.testing.assert_array_equal(edges["source"], table["tf"])
        np.testing.assert_array_equal(edges["target"], table["gene"])
        np.testing.assert_allclose(
            edges["weight"],
            np.maximum(table["weight"], 1e-6) * table["sign"],
            rtol=1e-6,
        )
    assert (structure["cell_type"][0]["gate"] == -1).all()
    np.testing.assert_array_equal(
        structure["cell"][0]["gate"], graph.eregulons["eregulon"]
    )
    assert len(structure["cell_type"][2]) == 0
    assert list(read_structure(graph, ["cell"], ["A"], "tf_to_gene")) == ["cell"]


def test_both_directions_have_every_edge_and_its_reverse(graph):
    (one,) = read_structure(graph, ["cell"], [], "tf_to_gene")["cell"]
    (both,) = read_structure(graph, ["cell"], [], "both")["cell"]
    np.testing.assert_array_equal(both[: len(one)], one)
    back = both[len(one) :]
    np.testing.assert_array_equal(back["source"], one["target"])
    np.testing.assert_array_equal(back["target"], one["source"])
    np.testing.assert_array_equal(back[["weight", "gate"]], one[["weight", "gate"]])


def test_sampling_keeps_at_most_the_fanout_without_repeats_and_at_random(structure):
    edges = structure["cell"][0]
    kept = sample_neighbours(edges, 2, np.random.default_rng(0))
    degree, sampled = (np.bincount(e["target"], minlength=20) for e in (edges, kept))
    np.testing.assert_array_equal(sampled, np.minimum(degree, 2))
    assert set(kept.tolist()) <= set(edges.tolist())
    samples = {
        sample_neighbours(edges, 2, np.random.default_rng(seed))["weight"].tobytes()
        for seed in range(5)
    }
    assert len(samples) > 1


@pytest.mark.parametrize("n_edges", [0, 1, 400])
@pytest.mark.parametrize("fanout", [1, 3, 1000])
def test_sampling_takes_the_edges_of_the_lowest_numbers_of_each_gene(n_edges, fanout):
    rng = np.random.default_rng(0)
    ends = rng.integers(0, 15, (2, n_edges))
    edges = make_edges(*ends, rng.random(n_edges).astype(np.float32))

    class Numbers:
        # many are equal: the first of two edges comes first
        def random(self, n):
            return np.random.default_rng(1).random(n).round(1)

    kept = sample_neighbours(edges, fanout, Numbers())
    order = np.lexsort([Numbers().random(n_edges), edges["target"]])
    target = edges["target"][order]
    rank = np.arange(n_edges) - np.searchsorted(target, target)
    np.testing.assert_array_equal(kept, edges[order[rank < fanout]])
