"""Baselines against references and planted truths; none looks at a tested value."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from grnformer.bench.drug_response import predict
from grnformer.bench.drug_response.baselines import (
    Features,
    Grids,
    choose,
    predict_baselines,
)
from grnformer.bench.drug_response.informed import Fitted, stack
from grnformer.bench.drug_response.learners import TreeSettings
from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.metrics import double_centred_pearson
from grnformer.bench.drug_response.nearest_drugs import predict_from_similar_drugs
from grnformer.bench.drug_response.ridge import approximate_ridge, predict_by_ridge
from grnformer.bench.drug_response.score import score_predictions
from grnformer.bench.drug_response.soft_impute import Completion, _shrink, soft_impute
from grnformer.bench.drug_response.split import assign_parts
from grnformer.bench.drug_response.two_way import Kernel, two_way_ridge

GRIDS = Grids(
    shrinkage=[0.3, 0.1, 0.03],
    alpha=[0.01, 0.1, 1.0],
    neighbours=[1, 3],
    learners=["random_forest", "gradient_boosting", "stack"],
    trees=TreeSettings(5, 5, 5, 2, seed=1),
    seed=1,
)
MEANS = ["global_mean", "drug_mean", "line_mean", "mean_effects", "additive"]
INFORMED = {
    "pair": {"soft_impute"},
    "line": {
        "ridge",
        "ridge_with_drug_covariance",
        "random_forest",
        "gradient_boosting",
        "stack",
    },
    "drug": {
        "fingerprint_neighbours",
        "structure_ridge",
        "structure_ridge_with_line_covariance",
        "permuted_structures",
        "stack",
    },
}
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


@pytest.mark.parametrize("split", ["pair", "line", "drug"])
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
    assert set(before) == {*MEANS, *INFORMED[split]}
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
        assert np.isfinite(before[name]).all()
    for name in MEANS:
        assert np.isnan(
            double_centred_pearson(matrix.values, before[name], parts["test"])
        )


def test_deepcdrs_protocol_fits_no_tested_value_and_chooses_by_them(
    planted: Planted, responses: pd.DataFrame, tissues: dict[str, str]
) -> None:
    matrix = Matrix.from_table(responses)
    settings = {"n_folds": 3, "validation_fraction": 0.3, "seed": 1}
    split = assign_parts(responses, "deepcdr", **settings, tissues=tissues)
    parts = matrix.part_masks(split, "fold_1")
    np.testing.assert_array_equal(parts["validation"], parts["test"])
    features = Features(planted[2], np.eye(12))
    before, _ = predict_baselines(matrix.values, parts, "deepcdr", features, GRIDS)
    changed = np.where(parts["test"], 1e6, matrix.values)
    after, _ = predict_baselines(changed, parts, "deepcdr", features, GRIDS)
    for name in MEANS:
        np.testing.assert_array_equal(before[name], after[name])
    scores = score_predictions(
        predict.tested_table(matrix, parts["test"], "fold_1", before),
        "deepcdr",
        "baseline",
        predict.tested_table(matrix, parts["test"], "fold_1", before),
    )
    assert set(scores["task"]) == {"deepcdr (not leak-safe)"}


def test_two_way_ridge_is_kernel_ridge_with_the_product_of_kernels() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(7, 3)), rng.normal(size=(5, 2))
    line_kernel, drug_kernel = left @ left.T, right @ right.T
    lines, drugs = np.arange(7) < 5, np.arange(5) < 4
    response = rng.normal(size=(5, 4))
    (predicted,) = two_way_ridge(
        response, Kernel(line_kernel), Kernel(drug_kernel), lines, drugs, [0.5]
    )
    known = np.kron(line_kernel[:5, :5], drug_kernel[:4, :4])
    dual = np.linalg.solve(known + 0.5 * np.eye(20), response.ravel())
    expected = np.kron(line_kernel[:, :5], drug_kernel[:, :4]) @ dual
    np.testing.assert_allclose(predicted, expected.reshape(7, 5), atol=1e-9)


def test_without_a_kernel_each_drug_is_alone_and_a_kernel_keeps_apart_what_is_known() -> (
    None
):
    rng = np.random.default_rng(0)
    left, right, every = rng.normal(size=(7, 3)), np.eye(5), np.ones(5, dtype=bool)
    kernel, unit = Kernel(left @ left.T), Kernel(right)
    # one kernel for both: what it found for five lines may not serve four
    for known in (np.arange(7) < 5, np.arange(7) < 4):
        response = rng.normal(size=(known.sum(), 5))
        alone, product = (
            list(two_way_ridge(response, kernel, drugs, known, every, [0.5, 2.0]))
            for drugs in (None, unit)
        )
        np.testing.assert_array_equal(alone, product)
        fresh = Kernel(left @ left.T)
        again = two_way_ridge(response, fresh, unit, known, every, [0.5, 2.0])
        np.testing.assert_array_equal(product, list(again))
        turned = two_way_ridge(response.T, None, kernel, every, known, [0.5, 2.0])
        np.testing.assert_allclose([each.T for each in turned], alone, atol=1e-12)


def test_gaps_are_filled_once_for_each_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(8, 5))
    calls = []

    def fill(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        calls.append(mask.sum())
        return np.where(mask, values, 0.0)

    monkeypatch.setattr("grnformer.bench.drug_response.soft_impute.complete", fill)
    filled, few = Completion(values), np.arange(40).reshape(8, 5) < 20
    for mask in (few, ~few, few.copy()):
        np.testing.assert_array_equal(filled.of(mask), np.where(mask, values, 0.0))
    assert len(calls) == 2


def test_likeness_is_found_and_permuted_structures_find_nothing() -> None:
    rng = np.random.default_rng(3)
    # 60 drugs whose likeness is told by two factors, as the response is
    lines, drugs = rng.normal(size=(40, 2)), rng.normal(size=(60, 2))
    values = lines @ drugs.T + 0.1 * rng.normal(size=(40, 60))
    likeness = np.exp(-((drugs[:, None] - drugs) ** 2).sum(axis=2))
    tested = np.broadcast_to(np.arange(60) % 5 == 0, values.shape)
    validated = np.broadcast_to(np.arange(60) % 5 == 1, values.shape)
    parts = {"test": tested, "validation": validated}
    parts["train"] = ~(tested | validated)
    features = Features(lines, likeness)
    found, _ = predict_baselines(values, parts, "drug", features, GRIDS)
    scored = {n: double_centred_pearson(values, found[n], tested) for n in found}
    assert scored["structure_ridge"] > 0.7
    assert scored["stack"] > 0.7
    assert abs(scored["permuted_structures"]) < 0.35


def test_a_stack_weighs_by_validation_what_was_not_fitted_on_it(
    planted: Planted,
) -> None:
    values, mask, _ = planted
    rng = np.random.default_rng(0)
    validation = mask & (rng.random(mask.shape) < 0.3)
    noise = rng.normal(size=values.shape)
    good, bad = np.nan_to_num(values), rng.normal(size=values.shape)
    joined = stack(values, validation, [Fitted(good, good + noise), Fitted(bad, bad)])
    assert double_centred_pearson(values, joined, mask & ~validation) == pytest.approx(
        double_centred_pearson(values, good + noise, mask & ~validation), abs=0.05
    )


def test_the_setting_with_the_best_validation_score_is_chosen(planted: Planted) -> None:
    values, mask, _ = planted
    noise = np.random.default_rng(0).normal(size=values.shape)
    candidates = [noise, np.nan_to_num(values) + 0.1 * noise, np.zeros(values.shape)]
    assert choose(values, mask, [1.0, 2.0, 3.0], candidates) == 2.0
