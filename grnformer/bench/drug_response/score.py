"""From predictions to scores: every metric in every fold."""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.bench.drug_response.baselines import CONTROLS
from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.metrics import METRICS, normalised_pearson
from grnformer.bench.drug_response.split import TASKS
from grnformer.bench.metrics import SCORE_COLUMNS

BENCHMARK = "drug_response"
#: predictors whose kind is another than that of their file
KINDS = dict.fromkeys(CONTROLS, "control") | {"other_screen": "reference"}
_PAIR_COLUMNS = ["line", "drug", "fold", "ln_ic50"]
_NAIVE = "means of lines and drugs"


def score_predictions(
    predictions: pd.DataFrame, split: str, kind: str, naive: pd.DataFrame
) -> pd.DataFrame:
    """Score each predictor of a table (see `tested_table`) in each fold.

    The unit is the fold: folds differ in tested lines, drugs or pairs, in the network's seed and, where there are
    several, in the pretraining seed; all arms and baselines share them, so that they are compared fold by fold.

    Parameters
    ----------
    predictions
        Predictions of the split.
    split
        Its name; the task's is that of `TASKS`.
    kind
        Of the predictors, but for those in `KINDS`.
    naive
        line, drug, fold and mean_effects, of the same pairs: what the normalised Pearson removes.

    Returns
    -------
    Table by contract ``scores``; a metric that is undefined (a correlation of a predictor that does not vary) is
    missing.
    """
    effects = naive[["line", "drug", "fold", "mean_effects"]]
    arms = [c for c in predictions.columns if c not in _PAIR_COLUMNS]
    # Under a name that no arm can have: mean_effects is an arm itself.
    joined = predictions.merge(
        effects.rename(columns={"mean_effects": _NAIVE}),
        on=["line", "drug", "fold"],
        # a pair without means is one that cannot be scored, not one that was not tested
        how="left",
        validate="one_to_one",
    )
    rows = []
    for fold, tested in joined.groupby("fold", sort=True):
        truth = Matrix.from_table(tested).values
        # A fold's tested pairs form a matrix: no other pair counts for means.
        mask = ~pd.isna(truth)
        member = str(fold).removeprefix("fold_")
        means = _matrix_of(tested, _NAIVE)
        for arm in arms:
            # The same pairs, and so the same lines and drugs: the mask fits both.
            guess = _matrix_of(tested, arm)
            values = {n: metric(truth, guess, mask) for n, metric in METRICS.items()}
            values["normalised_pearson"] = normalised_pearson(truth, guess, mask, means)

            named = BENCHMARK, TASKS.get(split, split), arm, KINDS.get(arm, kind)
            n_pairs = int(mask.sum())
            rows += [
                [*named, metric, "fold", member, value, n_pairs]
                for metric, value in values.items()
            ]
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def _matrix_of(tested: pd.DataFrame, column: str) -> np.ndarray:
    """Lines x drugs of one column, in the order of names."""
    pairs = tested[["line", "drug"]].assign(ln_ic50=tested[column])
    return Matrix.from_table(pairs).values
