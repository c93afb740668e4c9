"""The compiled core of AUCell: only a cell's best genes are found and sorted, and only their sets are looked at.

A gene beyond the rank cut-off R adds nothing, so that a partial selection of the R best values replaces the ranking
of all genes, and the zeros are handled as one group that is never enumerated. Each cell's sums have their own fixed
order, so the result is the same for any division of the cells among threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, inline="always")
def _area_before(rank: int, rank_cutoff: int) -> float:
    """Sum of max(0, rank_cutoff - 1 - r) over all ranks r below `rank`."""
    counted = float(min(rank, rank_cutoff - 1))
    return counted * (rank_cutoff - 1) - counted * (counted - 1) / 2


@njit(cache=True)
def _select_best(values: np.ndarray, low: int, high: int, rank_cutoff: int) -> tuple[np.ndarray, int]:
    """Positions in low..high of the `rank_cutoff` best values above 0, with all ties of the last; and how many are > 0.

    Positions come by falling value.
    """
    detected = np.empty(high - low, np.float64)
    n = 0
    for position in range(low, high):
        if values[position] > 0:
            detected[n] = values[position]
            n += 1
    threshold = 0.0
    if n > rank_cutoff:
        threshold = np.partition(detected[:n], n - rank_cutoff)[n - rank_cutoff]
    n_best = 0
    for position in range(n):
        n_best += detected[position] >= threshold
    best = np.empty(n_best, np.int64)
    negative = np.empty(n_best, np.float64)
    found = 0
    for position in range(low, high):
        if values[position] > 0 and values[position] >= threshold:
            best[found] = position
            negative[found] = -values[position]
            found += 1
    return best[np.argsort(negative)], n


@njit(nogil=True, cache=True)
def recover_sets(
    first_cell: int,
    cell_start: np.ndarray,
    gene: np.ndarray,
    value: np.ndarray,
    set_start: np.ndarray,
    set_number: np.ndarray,
    set_weight: np.ndarray,
    weight: np.ndarray,
    rank_cutoff: int,
    auc: np.ndarray,
) -> None:
    """Fill `auc` (cells x sets) with the expected area under each set's recovery curve, as a share of the largest.

    Parameters
    ----------
    first_cell
        The cell of the first row of `auc`.
    cell_start, gene, value
        CSR expression, cells x genes, not negative; stored zeros are zeros.
    set_start, set_number, set_weight
        CSR gene sets, genes x sets.
    weight
        Sum of each set's weights, above 0.
    rank_cutoff
        R; ranks from R - 1 on add nothing.
    """
    n_genes = set_start.size - 1
    for cell in range(auc.shape[0]):
        low, high = cell_start[first_cell + cell], cell_start[first_cell + cell + 1]
        best, n_detected = _select_best(value, low, high, rank_cutoff)
        n_zeros = n_genes - n_detected
        zero_part = 0.0
        if n_zeros > 0:
            zero_area = _area_before(n_genes, rank_cutoff) - _area_before(n_detected, rank_cutoff)
            zero_part = zero_area / n_zeros
        area = zero_part * weight
        first = 0
        while first < best.size:
            last = first + 1
            while last < best.size and value[best[last]] == value[best[first]]:
                last += 1
            part = (_area_before(last, rank_cutoff) - _area_before(first, rank_cutoff)) / (last - first) - zero_part
            for position in range(first, last):
                row = gene[best[position]]
                for entry in range(set_start[row], set_start[row + 1]):
                    area[set_number[entry]] += part * set_weight[entry]
            first = last
        for number in range(weight.size):
            auc[cell, number] = min(1.0, max(0.0, area[number] / (rank_cutoff * weight[number])))
