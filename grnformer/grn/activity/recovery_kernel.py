"""The compiled core of AUCell: only a cell's best genes are found and sorted, and only their sets are looked at.

A gene beyond the rank cut-off R adds nothing, so that a partial selection of the R best values replaces the ranking
of all genes, and the zeros are handled as one group that is never enumerated. Each cell's sums have a fixed order, so
the result is the same for any division of the cells among threads.

All compiled functions stand in this file: numba's cache does not see changes of functions in other files.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_BINS = 4096  # of a cell's histogram of values
_CROWD = 32  # values in one bin: with more, sorting is faster than insertion


@njit(cache=True, inline="always")
def _area_before(rank: int, rank_cutoff: int) -> float:
    """Sum of max(0, R - 1 - r) over all ranks r below `rank`, R being the cut-off."""
    # Ranks from R - 1 on add nothing: the sum ends there.
    counted = float(min(rank, rank_cutoff - 1))
    return counted * (rank_cutoff - 1) - counted * (counted - 1) / 2


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
def _place_best(
    values: np.ndarray, n_zeros: int, scale: float, rank_cutoff: int, filled: np.ndarray, held: np.ndarray,
    place: np.ndarray,
) -> tuple[int, int]:  # fmt: skip
    """Put the values of the highest bins that hold R values into `held`, bin after bin.

    Counting has no branch to guess wrong, unlike comparing. Returns how many are held, and the most in one bin.
    """
    filled[:] = 0
    for position in range(values.size):
        filled[np.uint64(values[position] * scale)] += 1
    filled[0] -= n_zeros  # stored zeros landed there, and do not count

    n_held = most = 0
    lowest_bin = np.uint64(_BINS)
    # from here on, `filled` says where the bin's next value goes
    while n_held < rank_cutoff:
        lowest_bin -= np.uint64(1)
        size = filled[lowest_bin]
        filled[lowest_bin] = n_held
        n_held += size
        most = max(most, size)

    # Second pass of a counting sort: each value goes to its bin's next place.
    least = float(lowest_bin)
    for position in range(values.size):
        scaled = values[position] * scale
        if scaled >= least and values[position] > 0:
            goal = filled[np.uint64(scaled)]
            held[goal], place[goal] = values[position], position
            filled[np.uint64(scaled)] += 1
    return n_held, most


@njit(cache=True)
def _sort_by_insertion(held: np.ndarray, place: np.ndarray) -> None:
    """Sort `held` falling, with `place`; fast where each value is near its final position."""
    for one in range(1, held.size):
        value, position = held[one], place[one]
        other = one
        while other > 0 and held[other - 1] < value:
            held[other], place[other] = held[other - 1], place[other - 1]
            other -= 1
        held[other], place[other] = value, position


@njit(cache=True)
def _select_best(
    values: np.ndarray,
    rank_cutoff: int,
    filled: np.ndarray,
    held: np.ndarray,
    place: np.ndarray,
) -> tuple[int, int]:
    """Find the R best values above 0, with all ties of the last of them, and a few more.

    Returns how many values stand at the start of `held`, falling, with their positions in `place`; and how many
    values are above 0. `filled` is scratch.
    """
    n_detected, highest = _summarise(values)
    # A subnormal or infinite highest value has no usable scale: all values are then sorted.
    scale = (_BINS - 1) / highest if highest > 0 else 0.0
    n_held = 0
    if n_detected > rank_cutoff and 0 < scale < np.inf:
        n_zeros = values.size - n_detected
        n_held, most = _place_best(
            values, n_zeros, scale, rank_cutoff, filled, held, place
        )
    else:
        # Nothing is in order here: a crowd, so that all are sorted below.
        most = _CROWD + 1
        for position in range(values.size):
            if values[position] > 0:
                held[n_held], place[n_held] = values[position], position
                n_held += 1

    # Bins stand in order already: insertion moves a value within its bin only.
    if most > _CROWD:
        order = np.argsort(-held[:n_held])
        held[:n_held] = held[:n_held][order]
        place[:n_held] = place[:n_held][order]
    else:
        _sort_by_insertion(held[:n_held], place[:n_held])
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
    """Fill `auc` (cells x sets) with the expected area under each set's recovery curve, as a fraction of the largest.

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
    # Room for the cell with most entries, used again for every cell.
    widest = np.diff(cell_start).max() if cell_start.size > 1 else 0
    held = np.empty(widest, np.float64)
    place = np.empty(widest, np.int64)
    filled = np.empty(_BINS, np.int32)
    for cell in range(auc.shape[0]):
        low, high = cell_start[first_cell + cell], cell_start[first_cell + cell + 1]
        n_held, n_detected = _select_best(
            value[low:high], rank_cutoff, filled, held, place
        )

        # Every gene of a set starts with the mean over the zeros' ranks; detected genes are corrected below.
        zero_part = 0.0
        if n_detected < n_genes:
            zero_area = _area_before(n_genes, rank_cutoff) - _area_before(
                n_detected, rank_cutoff
            )
            zero_part = zero_area / (n_genes - n_detected)
        area = zero_part * weight

        first = 0
        while first < min(n_held, rank_cutoff):
            last = first + 1
            while last < n_held and held[last] == held[first]:
                last += 1
            # Ties add the mean over the ranks that they share: the expectation over all their orders.
            part = float(rank_cutoff - 1 - first)
            if last - first > 1:
                part = (
                    _area_before(last, rank_cutoff) - _area_before(first, rank_cutoff)
                ) / (last - first)
            part -= zero_part
            for position in range(first, last):
                row = gene[low + place[position]]
                for entry in range(
                    np.uint64(set_start[row]), np.uint64(set_start[row + 1])
                ):
                    area[np.uint64(set_number[entry])] += part * set_weight[entry]
            first = last

        # Rounding may leave the area just outside of its bounds.
        for number in range(weight.size):
            auc[cell, number] = min(
                1.0, max(0.0, area[number] / (rank_cutoff * weight[number]))
            )
