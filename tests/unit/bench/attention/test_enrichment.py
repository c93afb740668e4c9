"""Enrichment of attention on TFs: planted effects are found, and what only follows degree is explained by degree."""

import numpy as np
import pytest

from grnformer.bench.attention.enrichment import MatchedNull
from grnformer.bench.attention.strata import (
    degree_strata,
    expression_strata,
    joint_strata,
)

EDGES = [1, 2, 4, 8, 16]


@pytest.fixture
def genes():
    """TFs have more links than others, but not beyond reach; genes differ in how often they were a key."""
    rng = np.random.default_rng(0)
    is_tf = np.arange(600) < 60
    degree = np.where(is_tf, rng.integers(6, 16, 600), rng.integers(0, 16, 600))
    return is_tf, degree, rng.integers(1, 9, 600)


def enrichment(mass, is_tf, strata, weight, seed=1):
    null = MatchedNull(is_tf, strata, weight, 400, np.random.default_rng(seed))
    return null, null.test(np.asarray(mass, float).reshape(len(is_tf), -1))


def test_twice_the_attention_is_found_beside_a_null_of_one(genes):
    is_tf, degree, weight = genes
    noise = np.exp(0.2 * np.random.default_rng(1).normal(size=len(is_tf)))
    _, found = enrichment(
        noise * (1 + is_tf), is_tf, degree_strata(degree, EDGES), weight
    )
    assert found.enrichment[0] == pytest.approx(2, rel=0.05)
    assert found.null_low[0] < 1 < found.null_high[0] < 1.1
    assert found.p_value[0] < 0.01


def test_attention_that_follows_degree_is_no_matter_of_tfs(genes):
    is_tf, degree, weight = genes
    mass = np.stack([1.0 + degree, np.ones(len(degree))], axis=1)
    _, plain = enrichment(mass, is_tf, np.zeros(len(degree), int), weight)
    assert plain.enrichment[0] > 1.1
    assert plain.p_value[0] < 0.01
    _, matched = enrichment(mass, is_tf, degree, weight)  # a bin a degree
    assert matched.enrichment == pytest.approx([1, 1])
    assert matched.p_value == pytest.approx([1, 1])


def test_without_an_effect_p_values_are_even(genes):
    is_tf, degree, weight = genes
    mass = (
        np.exp(np.random.default_rng(2).normal(size=(len(is_tf), 300)))
        * (1 + degree)[:, None]
    )
    _, found = enrichment(mass, is_tf, degree_strata(degree, EDGES), weight)
    assert abs(np.mean(found.p_value < 0.05) - 0.05) < 0.035
    assert abs(np.mean(found.p_value) - 0.5) < 0.06
    outside = (found.enrichment < found.null_low) | (found.enrichment > found.null_high)
    assert 0.01 < np.mean(outside) < 0.12


def test_genes_count_as_often_as_they_were_keys():
    is_tf = np.array([True, True, False, False])
    _, found = enrichment(
        [4.0, 1.0, 1.0, 3.0], is_tf, np.zeros(4, int), np.array([3, 1, 1, 1])
    )
    assert found.tf_mass[0] == pytest.approx((3 * 4 + 1) / 4)
    assert found.expected[0] == pytest.approx(2)


def test_the_null_draws_genes_as_often_as_they_were_keys():
    """Attention that grows with how often a gene was a key would else put the null below what is expected."""
    is_tf = np.arange(400) < 200
    weight = np.random.default_rng(5).integers(1, 20, 400)
    _, found = enrichment(weight.astype(float), is_tf, np.zeros(400, int), weight)
    assert found.null_low[0] < 1 < found.null_high[0]
    assert found.null_high[0] - found.null_low[0] < 0.3


def test_tfs_without_a_match_and_unseen_ones_are_left_out_and_counted():
    is_tf = np.array([True, True, True, False, False])
    null, found = enrichment(
        [9.0, 2.0, 9.0, 1.0, 9.0],
        is_tf,
        np.array([7, 0, 0, 0, 0]),
        np.array([1, 1, 0, 1, 0]),
    )
    assert (null.unmatched_tfs, null.unseen_tfs, null.n_others, null.tfs.tolist()) == (
        1,
        1,
        1,
        [1],
    )
    assert found.enrichment[0] == pytest.approx(2)
    nothing, empty = enrichment(
        [1.0, 1.0], np.array([True, False]), np.array([0, 1]), np.ones(2, int)
    )
    assert nothing.unmatched_tfs == 1
    assert np.isnan(empty.enrichment[0])
    assert np.isnan(empty.p_value[0])


def test_bins_hold_what_they_say():
    assert degree_strata(np.array([0, 1, 3, 4, 16, 99]), EDGES).tolist() == [
        0,
        1,
        2,
        3,
        5,
        5,
    ]
    expression = expression_strata(np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.0]), 2)
    assert expression.tolist() == [0, 1, 1, 2, 2, 0]
    assert expression_strata(np.zeros(3), 5).tolist() == [0, 0, 0]
    joint = joint_strata(np.array([0, 0, 1]), np.array([0, 1, 0]))
    assert len(set(joint.tolist())) == 3
