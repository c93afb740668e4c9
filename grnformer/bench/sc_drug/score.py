"""Scores of tested lines and of labelled cells, with bootstrap replicates of each.

Shapes: L lines, D drugs, S samples, C cells, R replicates.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.bench.intervals import ALL
from grnformer.bench.metrics import SCORE_COLUMNS

LEAST_LINES = 6  # of fewer, no interval: bootstrap samples would repeat themselves
_FLAT = 1e-6  # a residual below this fraction of the values is rounding


def double_centred_by_line(
    truth: np.ndarray, predicted: np.ndarray, line: np.ndarray, times: np.ndarray
) -> np.ndarray:
    """Double-centred Pearson r of samples against their lines, of lines taken `times` times.

    A line's samples share its weight. As `drug_response.metrics.double_centred_pearson`, where all lines have as many
    samples.

    Parameters
    ----------
    truth
        (L, D), NaN where not measured.
    predicted
        (S, D).
    line
        (S,): which line a sample is of, 0 to L - 1; every line has one at least.
    times
        (R, L).

    Returns
    -------
    (R,), NaN where truth or prediction has no interaction.
    """
    mask = ~np.isnan(truth)
    # Rows sum to 1.
    weight = times / times.sum(axis=1, keepdims=True)
    mean_LD = np.stack(
        [predicted[line == place].mean(axis=0) for place in range(len(truth))]
    )
    true_RLD = _residuals(np.where(mask, truth, 0.0), mask, weight)
    of_line_RLD = _residuals(np.where(mask, mean_LD, 0.0), mask, weight)

    # How a line's samples differ from their mean, whichever drug means are taken off.
    apart = np.where(mask[line], predicted - mean_LD[line], 0.0)
    apart -= mask[line] * (apart.sum(axis=1) / mask[line].sum(axis=1))[:, None]
    count = np.bincount(line, minlength=len(truth))
    spread = np.bincount(line, (apart**2).sum(axis=1), len(truth)) / count

    def sum_of(product: np.ndarray) -> np.ndarray:
        return np.einsum("rl,rld->r", weight, product)

    of_truth = sum_of(true_RLD**2)
    of_prediction = sum_of(of_line_RLD**2) + weight @ spread
    floor = _FLAT**2 * mask.sum() / len(mask)
    varies = of_truth > floor * np.abs(truth[mask]).max() ** 2
    varies &= of_prediction > floor * max(np.abs(predicted).max(), 1e-300) ** 2
    scale = np.sqrt(np.where(varies, of_truth * of_prediction, 1.0))
    return np.where(varies, sum_of(true_RLD * of_line_RLD) / scale, np.nan)


def _residuals(values: np.ndarray, mask: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Values (L, D) less line and drug means, by weighted least squares over the pairs of `mask`: (R, L, D)."""
    of_pair = weight[:, :, None] * mask
    of_drug = of_pair.sum(axis=1)
    share = of_pair / np.where(of_drug > 0, of_drug, 1.0)[:, None, :]
    drug_mean = (share * values).sum(axis=1)

    # Without the drugs, an L x L system is left. It is singular: a constant may move between lines and drugs.
    system = -np.einsum("rld,rmd->rlm", of_pair, share)
    system += np.eye(len(mask)) * of_pair.sum(axis=2)[:, None, :]
    right = (of_pair * (values - drug_mean[:, None, :])).sum(axis=2)
    inverse = np.linalg.pinv(system, rcond=1e-10, hermitian=True)
    line_effect = np.einsum("rlm,rm->rl", inverse, right)

    rest = values - line_effect[:, :, None]
    return (rest - (share * rest).sum(axis=1)[:, None, :]) * mask


def auprc(positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Average precision of each column of `score`; NaN where no cell is positive. Ties as scikit-learn takes them."""
    from sklearn.metrics import average_precision_score

    if not positive.any() or positive.all():
        return np.full(score.shape[1], np.nan)
    return np.array([average_precision_score(positive, column) for column in score.T])


def as_rows(
    benchmark: str,
    task: str,
    arm: str,
    kind: str,
    metric: str,
    unit: str,
    values: np.ndarray,
    n: int,
) -> pd.DataFrame:
    """Rows of contract ``scores``: the value, then its replicates."""
    members = [ALL, *(str(number) for number in range(1, len(values)))]
    return pd.DataFrame(
        {
            "benchmark": benchmark,
            "task": task,
            "arm": arm,
            "kind": kind,
            "metric": metric,
            "unit": unit,
            "member": members,
            "value": values,
            "n": n,
        },
        columns=SCORE_COLUMNS,
    )
