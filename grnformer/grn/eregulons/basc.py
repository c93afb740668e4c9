"""BASC A: a threshold where the steepest step of a sorted sample stands, on all scales of resolution.

Hopfensitz et al. 2012, doi 10.1109/TCBB.2011.62. The sorted values u_1 <= ... <= u_N are approximated by the step
functions with 1, 2, ..., N - 2 discontinuities that have the least squared error. Of each, the strongest discontinuity
is the one of highest jump (difference of the means to its sides) over error (squared distance of all values to the
middle between u_i and u_(i+1) at the discontinuity i). The threshold is that middle at the median of these places.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def _squared_error(
    sums: np.ndarray, squares: np.ndarray, first: int, last: int
) -> float:
    """Squared error of the values first..last about their mean, from sums of what goes before."""
    n = last + 1 - first
    total = sums[last + 1] - sums[first]
    # Rounding can make a difference of near equal sums negative.
    return max(0.0, squares[last + 1] - squares[first] - total * total / n)


@njit(cache=True)
def _break_points(sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Where the best step function on the values from i on, with j + 1 discontinuities, has its first one: [j, i].

    Discontinuity d lies between the values d and d + 1. Of equally good ones, the first.
    """
    n = sums.size - 1
    breaks = np.zeros((n - 2, n), np.int64)
    # cost[i] is C_i(j), the least error from value i on with j discontinuities
    cost = np.empty(n)
    for i in range(n):
        cost[i] = _squared_error(sums, squares, i, n - 1)

    # C_i(j) = min over d of the error of i..d plus C_(d+1)(j - 1). One array serves all j: a cost is replaced only
    # after the places before it no longer need it.
    for j in range(n - 2):
        for i in range(n - 1 - j):
            least, place = np.inf, -1
            for d in range(i, n - 1 - j):
                value = _squared_error(sums, squares, i, d) + cost[d + 1]
                if value < least:
                    least, place = value, d
            cost[i], breaks[j, i] = least, place
    return breaks


@njit(cache=True)
def _strongest(
    sums: np.ndarray,
    squares: np.ndarray,
    values: np.ndarray,
    breaks: np.ndarray,
    j: int,
) -> int:
    """Strongest discontinuity of the best step function with j + 1; sums are those of the centred values."""
    n = values.size
    centre = values.mean()
    best, strongest = -1.0, 0
    low, d = 0, breaks[j, 0]
    # d: this discontinuity; low: first value of the segment below it
    for step in range(j + 1):
        following = n - 1 if step == j else breaks[j - step - 1, d + 1]
        below = (sums[d + 1] - sums[low]) / (d + 1 - low)
        above = (sums[following + 1] - sums[d + 1]) / (following - d)
        # z = (u_d + u_(d+1)) / 2; the error is the sum over all values of (u - z)^2, from their sums
        middle = (values[d] + values[d + 1]) / 2 - centre
        error = squares[n] - 2 * middle * sums[n] + n * middle * middle
        quality = (above - below) / error
        if quality > best:
            best, strongest = quality, d
        low, d = d + 1, following
    return strongest


@njit(cache=True)
def _threshold(values: np.ndarray) -> float:
    """Threshold of at least 3 sorted values that are not all equal."""
    n = values.size
    sums, squares = np.zeros(n + 1), np.zeros(n + 1)
    # Centred, so that differences of the sums lose little to rounding.
    centre = values.mean()
    for i in range(n):
        sums[i + 1] = sums[i] + (values[i] - centre)
        squares[i + 1] = squares[i] + (values[i] - centre) ** 2

    breaks = _break_points(sums, squares)
    strongest = np.empty(n - 2, np.int64)
    for j in range(n - 2):
        strongest[j] = _strongest(sums, squares, values, breaks, j)
    # A median between two places is taken as the lower one.
    place = int(np.floor(np.median(strongest)))
    return (values[place] + values[place + 1]) / 2


@njit(cache=True)
def find_thresholds(values: np.ndarray, start: np.ndarray, most: int) -> np.ndarray:
    """Threshold of each group of values.

    Parameters
    ----------
    values
        float64, falling within each group.
    start
        Where the groups start, and the end of the last.
    most
        Only this many highest values of a group are looked at (at least 3): the time grows with the cube.

    Returns
    -------
    float64, one a group; -inf for fewer than 3 values or equal ones, where there is no step to be found.
    """
    thresholds = np.full(start.size - 1, -np.inf)
    for group in range(thresholds.size):
        n = min(start[group + 1] - start[group], most)
        rising = values[start[group] : start[group] + n][::-1].copy()
        if n > 2 and rising[-1] > rising[0]:
            thresholds[group] = _threshold(rising)
    return thresholds
