import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from grnformer.bench.grn_accuracy.ranking import precision_ratios, random_auprc_ratio


@pytest.mark.parametrize("decimals", [8, 1])  # without and with equal scores
def test_against_scikit_learn_with_excluded_genes(decimals):
    rng = np.random.default_rng(0)
    scores = np.round(rng.random(300), decimals)
    truths = rng.random((4, 300)) < 0.2
    included = rng.random((4, 300)) < 0.9
    found, _ = precision_ratios(scores, truths, included)
    for truth, kept, ratio in zip(truths, included, found, strict=True):
        expected = (
            average_precision_score(truth[kept], scores[kept]) / truth[kept].mean()
        )
        assert ratio == pytest.approx(expected)


def test_early_precision_by_hand():
    truth = np.array([[True, True, False, False, False, False]])
    everything = np.ones_like(truth)
    _, early = precision_ratios(np.array([6.0, 1, 5, 4, 3, 2]), truth, everything)
    assert early[0] == pytest.approx((1 / 2) / (2 / 6))
    # one positive and two negatives share the second place: a third of a hit is expected there
    _, early = precision_ratios(np.array([6.0, 5, 5, 5, 3, 2]), truth, everything)
    assert early[0] == pytest.approx(((1 + 1 / 3) / 2) / (2 / 6))


def test_equal_scores_are_worth_a_random_ranking():
    truth = np.random.default_rng(0).random((1, 200)) < 0.3
    auprc, early = precision_ratios(np.zeros(200), truth, np.ones_like(truth))
    assert auprc[0] == pytest.approx(1)
    assert early[0] == pytest.approx(1)


def test_undefined_without_positives_or_negatives():
    scores = np.arange(4.0)
    truths = np.array([[False] * 4, [True] * 4])
    auprc, early = precision_ratios(scores, truths, np.ones_like(truths))
    assert np.isnan(auprc).all()
    assert np.isnan(early).all()


@pytest.mark.parametrize(("n_positive", "n_genes"), [(1, 5), (3, 20), (10, 300)])
def test_the_mean_of_random_rankings_is_above_the_positive_rate(
    n_positive: int, n_genes: int
) -> None:
    rng = np.random.default_rng(0)
    truth = (np.arange(n_genes) < n_positive)[None]
    every = np.ones_like(truth)
    found = [
        precision_ratios(rng.permutation(n_genes).astype(float), truth, every)[0][0]
        for _ in range(4000)
    ]
    expected = random_auprc_ratio(np.array([n_positive]), np.array([n_genes]))[0]
    error = np.std(found) / np.sqrt(len(found))
    assert expected == pytest.approx(np.mean(found), abs=4 * error)
    assert expected > 1
