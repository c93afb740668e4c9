"""From predictions to scores: every metric in every fold."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.metrics import METRICS

BENCHMARK = "drug_response"
_OWN = ["line", "drug", "fold", "ln_ic50"]


def score_predictions(predictions: pd.DataFrame, split: str, kind: str) -> pd.DataFrame:
    """Score each predictor of a table (see `tested_table`) in each fold.

    The unit is the fold: a fold has its own tested lines, drugs or pairs, its own network seed and, where there are
    several, its own pretraining seed, and all arms and baselines share it, so that they are compared fold by fold.

    Returns
    -------
    Table by contract ``scores``; a metric that is undefined (a correlation of a predictor that does not vary) is
    missing.
    """
    rows = []
    for fold, tested in predictions.groupby("fold", sort=True):
        truth = Matrix.from_table(tested)
        mask = ~pd.isna(truth.values)
        for arm in [c for c in predictions.columns if c not in _OWN]:
            guess = Matrix.from_table(tested[["line", "drug"]].assign(ln_ic50=tested[arm])).values
            rows += [
                {
                    "benchmark": BENCHMARK,
                    "task": split,
                    "arm": arm,
                    "kind": kind,
                    "metric": name,
                    "unit": "fold",
                    "member": str(fold).removeprefix("fold_"),
                    "value": metric(truth.values, guess, mask),
                    "n": int(mask.sum()),
                }
                for name, metric in METRICS.items()
            ]
    return pd.DataFrame(rows)
