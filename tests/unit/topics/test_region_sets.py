import numpy as np
import pytest

from grnformer.core.errors import InputError
from grnformer.topics.region_sets import (
    binarize_topics,
    li_threshold,
    otsu_threshold,
    score_regions,
)

KINDS = ["topic_otsu", "topic_li", "topic_top"]


def brute_force_otsu(values, n_bins):
    """The bin edge that parts the values into two classes with the largest variance between them."""
    counts, edges = np.histogram(values, bins=n_bins)
    centres = (edges[:-1] + edges[1:]) / 2
    best, threshold = -1.0, None
    for cut in range(1, n_bins):
        low, high = counts[:cut].sum(), counts[cut:].sum()
        if not (low and high):
            continue
        difference = np.average(centres[:cut], weights=counts[:cut]) - np.average(
            centres[cut:], weights=counts[cut:]
        )
        if low * high * difference**2 > best:
            best, threshold = low * high * difference**2, edges[cut]
    return threshold


@pytest.mark.parametrize("seed", range(3))
def test_otsu_against_brute_force(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.gamma(1, 1e-6, 2000), rng.normal(2e-5, 2e-6, 200)])
    # the first of equally good thresholds may differ by rounding: compare the classes
    np.testing.assert_array_equal(
        values > otsu_threshold(values, 100), values > brute_force_otsu(values, 100)
    )


def test_otsu_of_equal_values_leaves_nothing_above():
    values = np.full(10, 0.1)
    assert not (values > otsu_threshold(values, 100)).any()


def cross_entropy(values, threshold):
    """Li and Lee's criterion of a threshold, of values from 0 on."""
    parts = values[values <= threshold], values[values > threshold]
    return -sum(part.sum() * np.log(part.mean()) for part in parts)


@pytest.mark.parametrize("seed", range(3))
def test_li_against_the_lowest_cross_entropy_of_all_thresholds(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.gamma(1, 1e-6, 900), rng.normal(2e-5, 2e-6, 100)])
    shifted = np.sort(values - values.min())
    best = min(shifted[1:-1], key=lambda threshold: cross_entropy(shifted, threshold))
    np.testing.assert_array_equal(
        values > li_threshold(values), values - values.min() > best
    )


def test_li_of_equal_values_leaves_nothing_above():
    values = np.full(10, 0.1)
    assert not (values > li_threshold(values)).any()


def test_only_the_kinds_asked_for_are_drawn(planted):
    options = {"smooth": True, "n_bins": 100, "n_top": 5}
    assert set(
        binarize_topics(
            planted.region_topic, planted.regions, kinds=["topic_top"], **options
        )["kind"]
    ) == {"topic_top"}
    assert (
        len(binarize_topics(planted.region_topic, planted.regions, kinds=[], **options))
        == 0
    )
    with pytest.raises(InputError, match="topic_yen"):
        binarize_topics(
            planted.region_topic, planted.regions, kinds=["topic_yen"], **options
        )


def test_scores_by_hand_and_low_where_a_region_serves_all_topics():
    topics = np.array([[0.5, 0.5], [0.4, 0.1]])
    found = score_regions(topics)
    np.testing.assert_allclose(found[0], 0, atol=1e-15)
    assert found[1, 0] == pytest.approx(
        0.4 * (np.log(0.4) - (np.log(0.4) + np.log(0.1)) / 2)
    )


@pytest.mark.parametrize("smooth", [True, False])
def test_sets_hold_the_planted_regions(planted, smooth):
    noisy = planted.region_topic * np.random.default_rng(0).uniform(
        0.8, 1.2, size=(360, 3)
    )
    sets = binarize_topics(
        noisy, planted.regions, kinds=KINDS, smooth=smooth, n_bins=100, n_top=100
    )
    for topic in range(3):
        planted_regions = set(planted.regions[topic * 100 : (topic + 1) * 100])
        for kind in KINDS:
            chosen = sets[
                (sets["set"] == f"topic_{topic + 1}") & (sets["kind"] == kind)
            ]
            assert set(chosen["region"]) == planted_regions
    assert not sets.duplicated(["kind", "set", "region"]).any()
