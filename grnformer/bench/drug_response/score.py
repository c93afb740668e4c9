"""From predictions to scores: every metric in every fold."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.metrics import METRICS

BENCHMARK = "drug_response"
_PAIR_COLUMNS = ["line", "drug", "fold", "ln_ic50"]
_COLUMNS = [
    "benchmark",
    "task",
    "arm",
    "kind",
    "metric",
    "unit",
    "member",
    "value",
    "n",
]


def score_predictions(predictions: pd.DataFrame, split: str, kind: str) -> pd.DataFrame:
    """Score each predictor of a table (see `tested_table`) in each fold.

    The unit is the fold: folds differ in tested lines, drugs or pairs, in the network's seed and, where there are
    several, in the pretraining seed; all arms and baselines share them, so that they are compared fold by fold.

    Returns
    -------
    Table by contract ``scores``; a metric that is undefined (a correlation of a predictor that does not vary) is
    missing.
    """
    rows = []
    for fold, tested in predictions.groupby("fold", sort=True):
        truth = Matrix.from_table(tested)
        # A fold's tested pairs form a matrix: no other pair counts for means.
        mask = ~pd.isna(truth.values)
        member = str(fold).removeprefix("fold_")
        for arm in [c for c in predictions.columns if c not in _PAIR_COLUMNS]:
            # The same pairs, and so the same lines and drugs: the mask fits both.
            guess = Matrix.from_table(
                tested[["line", "drug"]].assign(ln_ic50=tested[arm])
            ).values

            for name, metric in METRICS.items():
                value = metric(truth.values, guess, mask)
                rows.append(
                    [
                        BENCHMARK,
                        split,
                        arm,
                        kind,
                        name,
                        "fold",
                        member,
                        value,
                        int(mask.sum()),
                    ]
                )
    return pd.DataFrame(rows, columns=_COLUMNS)
