"""Residuals: float32 are the truth, and integers of 8 bits are what splits are found on."""

from __future__ import annotations

import numpy as np
from numba import njit

LEVELS = 120  # integers to a target's range of expression
MOST = 127


@njit
def start_target(cell: np.ndarray, value: np.ndarray, residual: np.ndarray) -> float:
    """Set `residual` to expression less its mean, as fractions of its range; return the squares' sum, 0 if constant.

    cell, value are the target's entries that are not 0. The sum is in units of the integers' squares.
    """
    n_cells = residual.size
    lowest = highest = total = 0.0
    if value.size == n_cells:
        lowest = highest = np.float64(value[0])
    for one in value:
        lowest, highest = min(lowest, np.float64(one)), max(highest, np.float64(one))
        total += np.float64(one)
    if highest <= lowest:
        return 0.0

    mean = total / n_cells
    residual[:] = np.float32(-mean / (highest - lowest))
    for entry in range(value.size):
        share = (np.float64(value[entry]) - mean) / (highest - lowest)
        residual[cell[entry]] = np.float32(share)

    squares = 0.0
    for one in residual:
        squares += np.float64(one) * np.float64(one)
    return squares * LEVELS * LEVELS


@njit
def shrunk_mean(learning_rate: float, total: np.float32, n: np.float32) -> np.float32:
    """A leaf's step: the mean of its `n` integers, which sum to `total`, times the learning rate, as a residual."""
    if n <= np.float32(0):
        return np.float32(0)
    return np.float32(learning_rate / LEVELS * np.float64(total) / np.float64(n))


@njit
def gain_of(
    n: np.float32, total: np.float32, n_high: np.float32, sum_high: np.float32
) -> float:
    """What a split takes off a node's sum of squares: (n S_h - n_h S)^2 / (n n_h n_l)."""
    size, high = np.float64(n), np.float64(n_high)
    difference = size * np.float64(sum_high) - high * np.float64(total)
    return difference * difference / (high * (size - high) * size)
