"""How well scores rank the true targets: AUPRC and early precision, over what a random ranking gives."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma

from grnformer.bench.ranking import area, count_hits


def precision_ratios(
    scores: np.ndarray, truths: np.ndarray, included: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
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
    # genes that do not count have weight 0
    called, hits = count_hits(scores, truths, included)
    n_genes, n_positive = called[:, -1], hits[:, -1]

    # truths without positives divide by 0, and become NaN at the end
    with np.errstate(invalid="ignore", divide="ignore"):
        early = _hits_in_first(n_positive, called, hits) / n_positive
        rate = n_positive / n_genes
        auprc_ratio = area(called, hits) / rate
        early_ratio = early / rate

    # with nothing but positives, every ranking is perfect
    defined = (n_positive > 0) & (n_positive < n_genes)
    return np.where(defined, auprc_ratio, np.nan), np.where(
        defined, early_ratio, np.nan
    )


def random_auprc_ratio(n_positive: np.ndarray, n_genes: np.ndarray) -> np.ndarray:
    """AUPRC over the positive rate that a random ranking without equal scores has on average: above 1.

    The mean of average precision over all orders of `n_genes` genes, exactly: the k-th gene is a positive with the
    positive rate, and so are, but for itself, those above it.

    Parameters
    ----------
    n_positive, n_genes
        Of equal shape; NaN where there is no positive.
    """
    n_positive, n_genes = np.asarray(n_positive, float), np.asarray(n_genes, float)
    # The sum of 1 / k for k = 1 ... n_genes.
    harmonic = digamma(n_genes + 1) + np.euler_gamma
    with np.errstate(invalid="ignore", divide="ignore"):
        above = (n_positive - 1) / (n_genes - 1)
        expected = above + (1 - above) * harmonic / n_genes
        ratio = expected / (n_positive / n_genes)
    return np.where(n_positive > 0, ratio, np.nan)


def _hits_in_first(k: np.ndarray, called: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Expected hits among the first k[i] genes, from cumulated genes and hits (truths x groups of equal scores)."""
    found = []
    for of_truth, genes, positives in zip(k, called, hits, strict=True):
        # linear within a group of equal scores: the mean over their orders
        known_genes = np.append(0.0, genes)
        known_hits = np.append(0.0, positives)
        found.append(np.interp(of_truth, known_genes, known_hits))
    return np.array(found)
