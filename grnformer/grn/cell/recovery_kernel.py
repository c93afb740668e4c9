"""The compiled core of AUCell: only a cell's best genes are found and sorted, and only their sets are looked at.

A gene beyond the rank cut-off R adds nothing, so that a partial selection of the R best values replaces the ranking
of all genes, and the zeros are handled as one group that is never enumerated. Each cell's sums have their own fixed
order, so the result is the same for any division of the cells among threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_BINS = 1024  # of a cell's histogram of values


@njit(cache=True, inline="always")
def _area_before(rank: int, rank_cutoff: int) -> float:
    """Sum of max(0, rank_cutoff - 1 - r) over all ranks r below `rank`."""
    counted = float(min(rank, rank_cutoff - 1))
    return counted * (rank_cutoff - 1) - counted * (counted - 1) / 2


@njit(cache=True, inline="always")
def _find_bin(value: float, scale: float) -> np.uint64:
    """Bin of a value, rising with it; within bounds whatever the value."""
    scaled = value * scale
    if scaled > 0:
        return np.uint64(min(scaled, _BINS - 1.0))
    return np.uint64(0)


@njit(cache=True, fastmath={"nnan", "nsz"})
def _summarise(values: np.ndarray) -> tuple[int, float]:
    """How many values are above 0, and the highest (0 at least). Vectorised, since a maximum knows no NaN here."""
    n_detected = 0
    highest = 0.0
    for value in values:
        n_detected += value > 0
        highest = max(highest, value)
    return n_detected, highest


@njit(cache=True)
def _select_best(
    values: np.ndarray, low: int, high: int, rank_cutoff: int, held: np.ndarray, place: np.ndarray, filled: np.ndarray
) -> tuple[int, int]:
    """Find the `rank_cutoff` best values above 0 among low..high, with all ties of the last of them, and a few more.

    Returns how many values stand at the start of `held`, falling, with their positions in `place`; and how many
    values are above 0. `filled` is scratch.

    A histogram tells which values may be among the best: counting has no branch to guess wrong, unlike a quickselect
    over all values. Only what the histogram leaves is selected and sorted.
    """
    n_detected, highest = _summarise(values[low:high])
    lowest_bin = np.uint64(0)
    scale = (_BINS - 1) / highest if highest > 0 else 0.0
    if n_detected > rank_cutoff:
        filled[:] = 0
        filled[0] = low - high + n_detected  # what is not above 0 lands there, and does not count
        for position in range(low, high):
            filled[_find_bin(float(values[position]), scale)] += 1
        lowest_bin = np.uint64(_BINS - 1)
        reached = filled[lowest_bin]
        while reached < rank_cutoff:
            lowest_bin -= np.uint64(1)
            reached += filled[lowest_bin]
    least = float(lowest_bin)
    n_held = 0
    for position in range(low, high):
        value = float(values[position])
        if value > 0 and not value * scale < least:  # an infinite value has no bin, and stays in
            held[n_held], place[n_held] = value, position
            n_held += 1
    if n_held > 2 * rank_cutoff:
        bound = np.partition(held[:n_held], n_held - rank_cutoff)[n_held - rank_cutoff]
        kept = 0
        for one in range(n_held):
            if held[one] >= bound:
                held[kept], place[kept] = held[one], place[one]
                kept += 1
        n_held = kept
    order = np.argsort(-held[:n_held])
    held[:n_held] = held[:n_held][order]
    place[:n_held] = place[:n_held][order]
    return n_held, n_detected


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
    widest = np.diff(cell_start).max() if cell_start.size > 1 else 0
    held = np.empty(widest, np.float64)
    place = np.empty(widest, np.int64)
    filled = np.empty(_BINS, np.int32)
    for cell in range(auc.shape[0]):
        low, high = cell_start[first_cell + cell], cell_start[first_cell + cell + 1]
        n_held, n_detected = _select_best(value, low, high, rank_cutoff, held, place, filled)
        n_zeros = n_genes - n_detected
        zero_part = 0.0
        if n_zeros > 0:
            zero_area = _area_before(n_genes, rank_cutoff) - _area_before(n_detected, rank_cutoff)
            zero_part = zero_area / n_zeros
        area = zero_part * weight
        first = 0
        while first < min(n_held, rank_cutoff):
            last = first + 1
            while last < n_held and held[last] == held[first]:
                last += 1
            part = float(rank_cutoff - 1 - first)
            if last - first > 1:
                part = (_area_before(last, rank_cutoff) - _area_before(first, rank_cutoff)) / (last - first)
            part -= zero_part
            for position in range(first, last):
                row = gene[place[position]]
                for entry in range(np.uint64(set_start[row]), np.uint64(set_start[row + 1])):
                    area[np.uint64(set_number[entry])] += part * set_weight[entry]
            first = last
        for number in range(weight.size):
            auc[cell, number] = min(1.0, max(0.0, area[number] / (rank_cutoff * weight[number])))
