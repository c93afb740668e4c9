"""Spearman correlation between the columns of sparse matrices, without making them dense."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp


def correlate(left: sp.csc_matrix, right: sp.csc_matrix) -> np.ndarray:
    """Return Spearman's rho of every left column with every right column, ties at their average rank.

    Parameters
    ----------
    left, right
        Cells x genes, not negative.

    Returns
    -------
    numpy.ndarray
        Left columns x right columns, float32 in [-1, 1]; 0 where a column is constant.
    """
    left_ranks, left_mean, left_scale = rank_columns(left)
    right_ranks, right_mean, right_scale = rank_columns(right)

    # The covariance is the product of the shifted ranks less that of their means: the shift cancels.
    product = (left_ranks.T @ right_ranks).toarray()
    product -= left.shape[0] * np.outer(left_mean, right_mean)
    product *= np.outer(left_scale, right_scale)
    return np.clip(product, -1, 1).astype(np.float32)


def rank_columns(matrix: sp.csc_matrix) -> tuple[sp.csc_matrix, np.ndarray, np.ndarray]:
    """Rank each column over cells, less the rank of its zeros, so that zeros stay zero.

    Returns
    -------
    tuple
        Shifted ranks (CSC); mean of each column; 1 / (SD * sqrt(cells)) of each column, 0 where it is constant.
    """
    import scipy.sparse as sp
    from scipy.stats import rankdata

    ranks = sp.csc_matrix(matrix, dtype=np.float64, copy=True)
    ranks.eliminate_zeros()
    n_cells = ranks.shape[0]
    for low, high in zip(ranks.indptr[:-1], ranks.indptr[1:], strict=True):
        zeros = n_cells - (high - low)
        rank_of_zeros = (zeros + 1) / 2 * (zeros > 0)
        # Values above 0 rank behind all zeros, which share the middle of their ranks.
        ranks.data[low:high] = rankdata(ranks.data[low:high]) + zeros - rank_of_zeros

    mean = np.asarray(ranks.mean(axis=0)).ravel()
    squares = np.asarray(ranks.power(2).sum(axis=0)).ravel() - n_cells * mean**2
    # A constant column's sum of squares is 0 but for rounding, which grows with the square of the ranks.
    varies = squares > 1e-9 * n_cells**2
    scale = np.zeros_like(mean)
    scale[varies] = 1 / np.sqrt(squares[varies])
    return ranks, mean, scale
