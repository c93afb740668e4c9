"""Baselines against references and planted truths; none looks at a tested value."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from grnformer.bench.drug_response.baselines import (
    Features,
    Grids,
    choose,
    predict_baselines,
)
from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.metrics import double_centred_pearson
from grnformer.bench.drug_response.nearest_drugs import predict_from_similar_drugs
from grnformer.bench.drug_response.ridge import approximate_ridge, predict_by_ridge
from grnformer.bench.drug_response.soft_impute import _shrink, soft_impute
from grnformer.bench.drug_response.split import SPLITS, assign_parts

GRIDS = Grids(shrinkage=[0.3, 0.1, 0.03], alpha=[0.01, 0.1, 1.0], neighbours=[1, 3])
Planted = tuple[np.ndarray, np.ndarray, np.ndarray]


def test_shrinking_against_the_singular_value_decomposition() -> None:
    matrix = np.random.default_rng(0).normal(size=(6, 9))
    left, singular, right = np.linalg.svd(matrix, full_matrices=False)
    for wanted, given in (
        (matrix, _shrink(matrix, 2.0)),
        (matrix.T, _shrink(matrix.T, 2.0).T),
    ):
        assert wanted.size
        np.testing.assert_allclose(
            given, left * np.maximum(singular - 2.0, 0) @ right, atol=1e-9
        )


def test_soft_impute_completes_a_planted_low_rank_interaction(planted: Planted) -> None:
    values, mask, _ = planted
    train = mask & (np.random.default_rng(1).random(mask.shape) < 0.8)
    *_, completed = soft_impute(
        np.where(train, values, np.nan), train, [0.3, 0.1, 0.03]
    )
    assert double_centred_pearson(values, completed, mask & ~train) > 0.9
    with pytest.raises(ValueError, match="fall"):
        next(soft_impute(values, mask, [0.1, 0.3]))


def test_ridge_against_sklearn_on_each_drugs_own_lines(planted: Planted) -> None:
    values, mask, expression = planted
    train = mask.copy()
    train[50:] = False
    alpha = 0.05
    centred = expression[:50] - expression[:50].mean(axis=0)
    penalty = alpha * (centred**2).sum(axis=1).mean()
    predicted = predict_by_ridge(values, train, expression, alpha)
    for drug in range(values.shape[1]):
        rows = train[:, drug]
        expected = (
            Ridge(alpha=penalty)
            .fit(expression[rows], values[rows, drug])
            .predict(expression)
        )
        np.testing.assert_allclose(predicted[:, drug], expected, atol=1e-8)
    assert double_centred_pearson(values, predicted, mask & ~train) > 0.8


def test_the_quick_ridge_is_exact_where_nothing_is_missing(planted: Planted) -> None:
    _, mask, expression = planted
    values = np.random.default_rng(2).normal(size=mask.shape)
    train = np.ones(mask.shape, dtype=bool)
    train[50:] = False
    quick = list(approximate_ridge(values, train, expression, [0.1, 1.0]))
    for alpha, predicted in zip([0.1, 1.0], quick, strict=True):
        np.testing.assert_allclose(
            predicted, predict_by_ridge(values, train, expression, alpha), atol=1e-8
        )


def test_neighbours_are_weighted_by_similarity_and_never_the_drug_itself() -> None:
    values = np.array([[1.0, 5.0, 9.0], [2.0, 4.0, 7.0]])
    similarity = np.array([[1.0, 0.6, 0.2], [0.6, 1.0, 0.3], [0.2, 0.3, 1.0]])
    mask = np.array([[True, True, False]] * 2)
    one, two = predict_from_similar_drugs(values, mask, similarity, [1, 2])
    np.testing.assert_allclose(one, values[:, [1, 0, 1]])
    np.testing.assert_allclose(
        two[:, 2], (0.2 * values[:, 0] + 0.3 * values[:, 1]) / 0.5
    )
    np.testing.assert_allclose(two[:, 0], values[:, 1], rtol=1e-4)


@pytest.mark.parametrize("split", SPLITS)
def test_baselines_never_look_at_tested_values(
    planted: Planted, responses: pd.DataFrame, split: str
) -> None:
    matrix = Matrix.from_table(responses)
    parts = matrix.part_masks(
        assign_parts(responses, split, n_folds=3, validation_fraction=0.3, seed=1),
        "fold_1",
    )
    features = Features(planted[2], np.random.default_rng(0).random((12, 12)))
    before, chosen = predict_baselines(matrix.values, parts, split, features, GRIDS)
    changed = np.where(parts["test"], 1e6, matrix.values)
    after, chosen_again = predict_baselines(changed, parts, split, features, GRIDS)
    assert chosen == chosen_again
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
        assert np.isfinite(before[name]).all()
    means = [name for name in before if name not in chosen]
    assert means == ["global_mean", "drug_mean", "line_mean", "additive"]
    for name in means:
        assert np.isnan(
            double_centred_pearson(matrix.values, before[name], parts["test"])
        )


def test_the_setting_with_the_best_validation_score_is_chosen(planted: Planted) -> None:
    values, mask, _ = planted
    noise = np.random.default_rng(0).normal(size=values.shape)
    candidates = [noise, np.nan_to_num(values) + 0.1 * noise, np.zeros(values.shape)]
    assert choose(values, mask, [1.0, 2.0, 3.0], candidates) == 2.0
