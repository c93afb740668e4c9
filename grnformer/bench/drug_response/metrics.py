"""The metrics of drug response, each one value for a test set.

Truth and prediction are L x D matrices (lines x drugs), `mask` marks the test pairs. A correlation is undefined
(NaN) where truth or prediction does not vary; a benchmark counts that as failed, never as 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from grnformer.bench.drug_response.matrix import remove_means

MIN_LINES = 10  # a drug's correlation needs this many tested lines
# a residual below this fraction of the largest value is rounding, not variation
_FLAT = 1e-6


def double_centred_pearson(
    truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray
) -> float:
    """Pearson correlation after removing line and drug means from both within the test pairs.

    What is left is the interaction: which line is more sensitive to which drug than both are in general. Every
    predictor that is a sum of a line and a drug term is undefined here.
    """
    return double_centred_pearson_with(truth, mask)(prediction)


def double_centred_pearson_with(
    truth: np.ndarray, mask: np.ndarray
) -> Callable[[np.ndarray], float]:
    """`double_centred_pearson` of any prediction with this truth, whose means are removed once for all of them."""
    left = remove_means(truth, mask)

    def correlate(prediction: np.ndarray) -> float:
        right = remove_means(prediction, mask)
        # An additive prediction leaves rounding only, whose correlation is noise.
        if _flat(left, truth[mask]) or _flat(right, prediction[mask]):
            return float("nan")
        return _correlate(left, right)

    return correlate


def per_drug_pearson(
    truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray
) -> float:
    """Mean over drugs of the Pearson correlation over lines; drugs with fewer than 10 tested lines are left out.

    A drug whose predictions are all equal counts 0; undefined if that holds for all of them.
    """
    values = []
    for drug, rows in enumerate(mask.T):
        if rows.sum() >= MIN_LINES:
            values.append(_correlate(truth[rows, drug], prediction[rows, drug]))

    if not values or np.isnan(values).all():
        return float("nan")
    # 0, not left out: a model must not gain by predicting constants for some drugs.
    return float(np.nan_to_num(values).mean())


def pooled_pearson(
    truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray
) -> float:
    """Pearson correlation over all test pairs; mostly differences between drugs, so that a drug mean scores high."""
    return _correlate(truth[mask], prediction[mask])


def normalised_pearson(
    truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray, means: np.ndarray
) -> float:
    """Pearson correlation over all test pairs, less the line and drug effects that training knows, from both.

    DrEval's normalised Pearson (github.com/daisybio/drevalpy at f3afe328, ``drevalpy/visualization/utils.py``): where
    lines are unseen only the drugs' means are removed, so that a line's general sensitivity counts here.

    Parameters
    ----------
    means
        L x D, overall mean plus line effect plus drug effect in training; effects of unseen ones are 0.
    """
    left, right = (truth - means)[mask], (prediction - means)[mask]
    # The means themselves leave rounding only, whose correlation is noise.
    if _flat(left, truth[mask]) or _flat(right, prediction[mask]):
        return float("nan")
    return _correlate(left, right)


def root_mean_squared_error(
    truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray
) -> float:
    """Root mean squared error in units of LN_IC50."""
    return float(np.sqrt(np.mean((truth[mask] - prediction[mask]) ** 2)))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]] = {
    "double_centred_pearson": double_centred_pearson,
    "per_drug_pearson": per_drug_pearson,
    "pooled_pearson": pooled_pearson,
    "rmse": root_mean_squared_error,
}


def _correlate(left: np.ndarray, right: np.ndarray) -> float:
    # Too few values, or constant ones but for rounding: a correlation would be noise.
    if (
        len(left) < 2
        or _flat(left - left.mean(), left)
        or _flat(right - right.mean(), right)
    ):
        return float("nan")
    return float(np.corrcoef(left, right)[0, 1])


def _flat(residual: np.ndarray, values: np.ndarray) -> bool:
    # A tiny number at least: values that are all 0 must not make the scale 0.
    scale = max(float(np.abs(values).max(initial=0.0)), np.finfo(float).tiny)
    return float(np.abs(residual).max(initial=0.0)) < _FLAT * scale
