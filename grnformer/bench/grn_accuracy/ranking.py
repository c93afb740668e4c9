"""How well scores rank the true targets: AUPRC and early precision, over what a random ranking gives."""

from __future__ import annotations

import numpy as np


def precision_ratios(scores: np.ndarray, truths: np.ndarray, included: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUPRC ratio and early precision ratio of one ranking against several sets of true targets.

    AUPRC is average precision with equal scores taken as one step (scikit-learn's definition); early precision is the
    precision among the first k genes, k the number of positives (Pratapa et al. 2020, doi 10.1038/s41592-019-0690-6),
    expected over random orders of equal scores. Both are divided by the positive rate: a random ranking gives 1.

    Parameters
    ----------
    scores
        (genes,), finite; higher means more likely a target.
    truths
        (truths, genes), boolean.
    included
        (truths, genes), boolean: which genes count, e.g. all but the TF's.

    Returns
    -------
    Two (truths,) arrays; NaN where a truth has no positives, or nothing but positives.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    # a group of equal scores counts at its last gene, whatever their order
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    weight = included[:, order].astype(float)
    positive = weight * truths[:, order]
    n_positive, n_genes = positive.sum(axis=1), weight.sum(axis=1)
    hits = np.cumsum(positive, axis=1)[:, last]
    called = np.cumsum(weight, axis=1)[:, last]

    # truths without positives divide by 0, and become NaN at the end
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(called > 0, hits / called, 0.0)
        recalled = np.diff(hits, axis=1, prepend=0.0)
        auprc = (precision * recalled).sum(axis=1) / n_positive

        # expected positives among the first k genes are linear within a group of equal scores
        first_k = zip(n_positive, called, hits, strict=True)
        early = np.array([np.interp(k, np.append(0.0, c), np.append(0.0, h)) for k, c, h in first_k]) / n_positive

        rate = n_positive / n_genes
        defined = (n_positive > 0) & (n_positive < n_genes)
        return np.where(defined, auprc / rate, np.nan), np.where(defined, early / rate, np.nan)
