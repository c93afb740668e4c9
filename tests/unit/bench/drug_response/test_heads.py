"""Ridge heads: against a direct ridge regression; no tested value is read."""

import numpy as np
import pandas as pd
import pytest

from grnformer.bench.drug_response.heads import PENALTIES, predict_by_heads
from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.metrics import double_centred_pearson
from grnformer.bench.drug_response.split import assign_parts

Planted = tuple[np.ndarray, np.ndarray, np.ndarray]
LIKENESS = np.eye(12)


@pytest.mark.parametrize("split", ["pair", "line", "drug"])
def test_heads_never_look_at_tested_values(
    planted: Planted, responses: pd.DataFrame, split: str
) -> None:
    matrix = Matrix.from_table(responses)
    table = assign_parts(responses, split, n_folds=3, validation_fraction=0.3, seed=1)
    parts = matrix.part_masks(table, "fold_1")
    genes = planted[2]
    before = predict_by_heads(
        matrix.values, parts, split, genes[:, :5], genes, LIKENESS
    )
    changed = np.where(parts["test"], 1e6, matrix.values)
    after = predict_by_heads(changed, parts, split, genes[:, :5], genes, LIKENESS)
    assert set(before) == {"_ridge", "_and_genes_ridge"}
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    if split != "drug":
        best = before["_and_genes_ridge"]
        assert double_centred_pearson(matrix.values, best, parts["test"]) > 0.6


def test_the_head_is_one_ridge_regression_a_drug() -> None:
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(30, 4))
    values = embedding @ rng.normal(size=(4, 3)) + rng.normal(size=(30, 3))
    every = np.ones(values.shape, dtype=bool)
    lines = np.arange(30)[:, None]
    parts = {"train": every & (lines < 20), "test": every & (lines >= 25)}
    parts["validation"] = every & (lines >= 20) & (lines < 25)
    found = predict_by_heads(values, parts, "line", embedding, None, np.eye(3))

    # whole principal components: the scale of entries on the training lines, no more
    scaled = (embedding - embedding[:20].mean(0)) / embedding[:20].std(0)
    x = scaled - scaled[:25].mean(0)
    y = values[:25] - values[:25].mean(0)
    unit = (x[:25] ** 2).sum(1).mean()
    expected = [
        values[:25].mean(0)
        + x @ np.linalg.solve(x[:25].T @ x[:25] + p * unit * np.eye(4), x[:25].T @ y)
        for p in PENALTIES
    ]
    assert min(np.abs(found["_ridge"] - each).max() for each in expected) < 1e-4
