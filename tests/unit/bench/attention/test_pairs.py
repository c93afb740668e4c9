"""Regulator-target pairs: attention that follows edges is distinguished from attention on TFs of high degree."""

import numpy as np
import pytest

from grnformer.bench.attention.pairs import score_pairs

N, F = 80, 10


@pytest.fixture
def network():
    """Edges of TFs of very different degree, and all pairs as candidates but for the TFs themselves."""
    rng = np.random.default_rng(0)
    edges = rng.random((N, F)) < np.linspace(0.02, 0.6, F)
    candidates = np.ones((N, F), bool)
    candidates[np.arange(F), np.arange(F)] = False
    return edges & candidates, candidates


def score(attention, network, top=40):
    edges, candidates = network
    return score_pairs(attention, candidates, edges, top, 500, np.random.default_rng(1))


def test_attention_along_edges_beats_its_baselines(network):
    found = score(network[0] + 0.1 * np.random.default_rng(2).random((N, F)), network)
    assert found.precision == 1
    assert found.precision > found.same_tf_high
    assert found.auroc == 1
    assert found.edges == network[0].sum()
    assert found.candidates == N * F - F


def test_attention_on_tfs_of_high_degree_is_no_better_than_random_targets(network):
    """High precision beside the base rate, for the TFs with most targets come first."""
    attention = np.arange(F)[None] + 0.01 * np.random.default_rng(3).random((N, F))
    found = score(attention, network)
    assert found.precision > 1.5 * found.base_rate
    assert found.same_tf_low <= found.precision <= found.same_tf_high
    assert found.auroc_low < 0.5 < found.auroc_high


def test_attention_of_popular_targets_is_no_better_than_random_tfs():
    edges = np.zeros((N, F), bool)
    edges[:20] = np.random.default_rng(4).random((20, F)) < 0.5
    attention = np.repeat(np.arange(N)[::-1, None], F, axis=1).astype(float)
    found = score(attention, (edges, np.ones((N, F), bool)))
    assert found.precision == pytest.approx(found.same_target)
    assert found.precision > found.same_tf_high


def test_without_candidates_or_edges_measures_are_undefined():
    nothing = np.zeros((N, F), bool)
    empty = score(np.ones((N, F)), (nothing, nothing))
    assert empty.top == 0
    assert np.isnan(empty.precision)
    unlinked = score(np.ones((N, F)), (nothing, np.ones((N, F), bool)))
    assert unlinked.precision == 0
    assert np.isnan(unlinked.auroc)
    assert unlinked.auroc_tfs == 0
