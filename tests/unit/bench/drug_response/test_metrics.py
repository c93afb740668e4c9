"""Metrics against slow direct versions, and what must leave them unchanged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grnformer.bench import metrics as declared
from grnformer.bench.drug_response.matrix import fit_additive, remove_means
from grnformer.bench.drug_response.metrics import (
    METRICS,
    double_centred_pearson,
    normalised_pearson,
    per_drug_pearson,
    pooled_pearson,
)


def table(
    seed: int, lines: int = 25, drugs: int = 9, known: float = 0.7
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (
        rng.normal(size=(lines, drugs))
        + rng.normal(size=(lines, 1))
        + 3 * rng.normal(size=(1, drugs))
    )
    prediction = truth + rng.normal(size=(lines, drugs))
    return truth, prediction, rng.random((lines, drugs)) < known


def by_dummies(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Residuals of ordinary least squares on dummy variables."""
    row, column = np.nonzero(mask)
    design = np.hstack([np.eye(mask.shape[0])[row], np.eye(mask.shape[1])[column]])
    return values[mask] - design @ np.linalg.lstsq(design, values[mask], rcond=None)[0]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.15, 1.0))
def test_means_are_removed_as_by_dummy_regression(seed: int, known: float) -> None:
    truth, _, mask = table(seed, known=known)
    np.testing.assert_allclose(
        remove_means(truth, mask), by_dummies(truth, mask), atol=1e-8
    )


def test_the_additive_fit_of_a_complete_table_is_its_means() -> None:
    truth, _, _ = table(1)
    mean, line_effect, drug_effect = fit_additive(
        truth, np.ones(truth.shape, dtype=bool)
    )
    assert mean == pytest.approx(truth.mean())
    expected = truth.mean(axis=1, keepdims=True) + truth.mean(axis=0) - truth.mean()
    np.testing.assert_allclose(mean + line_effect[:, None] + drug_effect, expected)


def test_double_centring_against_a_direct_version() -> None:
    truth, prediction, mask = table(2)
    expected = np.corrcoef(by_dummies(truth, mask), by_dummies(prediction, mask))[0, 1]
    assert double_centred_pearson(truth, prediction, mask) == pytest.approx(
        expected, abs=1e-9
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_line_and_drug_terms_and_scale_do_not_change_it(seed: int) -> None:
    truth, prediction, mask = table(seed)
    rng = np.random.default_rng(seed + 1)
    moved = 3 * prediction + rng.normal(size=(25, 1)) + 10 * rng.normal(size=(1, 9)) - 4
    before = double_centred_pearson(truth, prediction, mask)
    assert double_centred_pearson(truth, moved, mask) == pytest.approx(before, abs=1e-7)


def test_an_additive_prediction_is_undefined_not_zero() -> None:
    truth, _, mask = table(3)
    rng = np.random.default_rng(3)
    for additive in (
        rng.normal(size=(25, 1)) + rng.normal(size=(1, 9)),
        np.full((25, 9), 2.0),
    ):
        assert np.isnan(
            double_centred_pearson(truth, np.broadcast_to(additive, truth.shape), mask)
        )


def test_it_is_about_zero_when_lines_are_shuffled_while_the_pooled_one_is_not() -> None:
    truth, prediction, _ = table(4, lines=300)
    full = np.ones(truth.shape, dtype=bool)
    shuffled = np.random.default_rng(4).permutation(prediction, axis=0)
    assert abs(double_centred_pearson(truth, shuffled, full)) < 0.08
    assert pooled_pearson(truth, shuffled, full) > 0.5


def test_per_drug_correlation_against_a_loop_and_its_undefined_cases() -> None:
    truth, prediction, mask = table(5)
    expected = np.mean(
        [
            np.corrcoef(truth[m, d], prediction[m, d])[0, 1]
            for d, m in enumerate(mask.T)
            if m.sum() >= 10
        ]
    )
    assert per_drug_pearson(truth, prediction, mask) == pytest.approx(expected)
    flat = prediction.copy()
    flat[:, 0] = 1.0
    kept = np.array(
        [np.corrcoef(truth[m, d], prediction[m, d])[0, 1] for d, m in enumerate(mask.T)]
    )
    kept[0] = 0.0
    assert per_drug_pearson(truth, flat, mask) == pytest.approx(kept.mean())
    assert np.isnan(
        per_drug_pearson(truth, np.broadcast_to(truth.mean(axis=0), truth.shape), mask)
    )


def test_every_metric_is_declared_for_the_summary() -> None:
    assert set(METRICS) <= set(declared.METRICS)
    truth, prediction, mask = table(6)
    assert METRICS["rmse"](truth, prediction, mask) == pytest.approx(
        np.sqrt(((truth - prediction)[mask] ** 2).mean())
    )


def test_the_normalised_correlation_is_of_what_training_means_leave() -> None:
    truth, prediction, mask = table(5)
    means = np.broadcast_to(truth.mean(axis=0), truth.shape)
    expected = np.corrcoef((truth - means)[mask], (prediction - means)[mask])[0, 1]
    found = normalised_pearson(truth, prediction, mask, means)
    assert found == pytest.approx(expected)
    # the means but for rounding: no correlation of noise
    rounded = means + 1e-13 * prediction
    assert np.isnan(normalised_pearson(truth, rounded, mask, means))
