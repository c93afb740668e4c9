"""Ranks of the regions, and Spearman correlation of many genes with the regions near them.

Accessibility is ranked once a region and then shared by all genes near it.
"""

from __future__ import annotations

import numba as nb
import numpy as np


@nb.njit(parallel=True, cache=True)
def rank_regions(
    values: np.ndarray, order: np.ndarray, n_bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mid-ranks of each row, centred and scaled to length 1, and their bins.

    Parameters
    ----------
    values
        Regions x units.
    order
        ``argsort(values, axis=1)``.
    n_bins
        Equally filled levels of accessibility, at most 65,536.

    Returns
    -------
    ranks (float32, regions x units; all 0 where a row is constant) and bins (uint16 below `n_bins`; equal values
    share a bin).
    """
    n_regions, n = values.shape
    ranks = np.zeros((n_regions, n), np.float32)
    bins = np.zeros((n_regions, n), np.uint16)
    for r in nb.prange(n_regions):
        square = 0.0
        low = 0
        while low < n:
            # order[low:high] are units of one value
            high = low + 1
            while high < n and values[r, order[r, high]] == values[r, order[r, low]]:
                high += 1

            # less the mean of all ranks, so that a row sums to 0
            rank = 0.5 * (low + high - 1) - 0.5 * (n - 1)
            # by the middle of the run: equal values cannot part into two bins
            code = min(n_bins - 1, int((low + high) * 0.5 * n_bins / n))
            square += (high - low) * rank * rank
            for i in range(low, high):
                ranks[r, order[r, i]] = rank
                bins[r, order[r, i]] = code
            low = high
        if square > 0:
            ranks[r] /= np.sqrt(square)
    return ranks, bins


@nb.njit(cache=True)
def _rank_gene(values: np.ndarray, n: int) -> tuple[np.ndarray, float]:
    """Centred mid-ranks of a gene's stored values among n units, less the rank of zeros; their length."""
    order = np.argsort(values)
    n_zero = n - len(values)
    # Stored zeros sort first, as expression is not negative, and join the others.
    n_nonpositive = np.searchsorted(values[order], 0.0, side="right")
    zeros = n_zero + n_nonpositive
    zero_rank = 0.5 * (zeros - 1) - 0.5 * (n - 1)

    above = np.zeros(len(values), np.float64)
    square = zeros * zero_rank * zero_rank
    low = n_nonpositive
    while low < len(values):
        high = low + 1
        while high < len(values) and values[order[high]] == values[order[low]]:
            high += 1

        rank = n_zero + 0.5 * (low + high - 1) - 0.5 * (n - 1)
        square += (high - low) * rank * rank
        for i in range(low, high):
            above[order[i]] = rank - zero_rank
        low = high
    return above, np.sqrt(square)


@nb.njit(parallel=True, cache=True)
def correlate(
    indptr: np.ndarray,
    rows: np.ndarray,
    data: np.ndarray,
    ranks: np.ndarray,
    starts: np.ndarray,
    region: np.ndarray,
) -> np.ndarray:
    """Spearman correlation of each gene with its regions, at the cost of the gene's non-zero units only.

    Parameters
    ----------
    indptr, rows, data
        CSC expression, units x genes, not negative.
    ranks
        From `rank_regions`.
    starts
        Gene g has the pairs ``starts[g]:starts[g + 1]``.
    region
        Row of `ranks`, per pair.
    """
    rho = np.zeros(len(region), np.float64)
    for g in nb.prange(len(starts) - 1):
        low, high = indptr[g], indptr[g + 1]
        above, length = _rank_gene(data[low:high], ranks.shape[1])
        if length <= 0:
            continue
        for p in range(starts[g], starts[g + 1]):
            # The regions' ranks are centred: the rank of zeros, common to all units, adds nothing.
            total = 0.0
            for i in range(high - low):
                total += ranks[region[p], rows[low + i]] * above[i]
            rho[p] = max(-1.0, min(1.0, total / length))
    return rho
