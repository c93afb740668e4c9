"""The area under a ROC curve, from ranks."""

from __future__ import annotations

import numpy as np


def auroc(positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """AUROC of a score, or of each column of several; ties count one half.

    Parameters
    ----------
    positive
        (n,), boolean.
    score
        (n,) or (n, k), higher first.

    Returns
    -------
    () or (k,); NaN where labels are all alike.
    """
    from scipy.stats import rankdata

    n = int(positive.sum())
    rest = len(positive) - n
    if not n or not rest:
        return np.full(score.shape[1:], np.nan)
    # Mann-Whitney: the rank sum of the positives, less its least value, over its range.
    rank_sum = rankdata(score, axis=0)[positive].sum(axis=0)
    return np.asarray((rank_sum - n * (n + 1) / 2) / (n * rest))
