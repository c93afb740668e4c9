"""How well scores rank what is positive: hits at each step of a ranking, and average precision, under weights."""

from __future__ import annotations

import numpy as np


def count_hits(
    scores: np.ndarray, truths: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cumulated weight of what is called, and of the positives in it, at each step of the ranking.

    A group of equal scores is one step, whatever their order.

    Parameters
    ----------
    scores
        (items,), higher first.
    truths
        (samples, items) or (items,), boolean.
    weights
        (samples, items), 0 or above.

    Returns
    -------
    Two (samples, steps) arrays.
    """
    order = np.argsort(-scores, kind="stable")
    # a step is at the last of equal scores
    changes = np.flatnonzero(np.diff(scores[order]))
    last = np.append(changes, len(order) - 1)

    weight = weights[:, order].astype(float)
    positive = weight * truths[..., order]
    called, hits = (np.cumsum(values, axis=1)[:, last] for values in (weight, positive))
    return called, hits


def area(called: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Average precision (scikit-learn's definition) from `count_hits`, (samples,); NaN where nothing is positive."""
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    found = (precision * np.diff(hits, axis=1, prepend=0.0)).sum(axis=1)
    total = hits[:, -1]
    return np.divide(found, total, out=np.full(len(total), np.nan), where=total > 0)


def average_precision(
    truth: np.ndarray, scores: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Average precision of one ranking under several weightings, see `count_hits`; NaN where nothing is positive."""
    return area(*count_hits(scores, truth, weights))
