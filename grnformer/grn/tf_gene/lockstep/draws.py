"""The draws that all targets share: of cells by seed and tree, of TFs by seed, tree and level of the tree.

TFs are dealt: a shuffled order of all of them serves as many trees as it has hands, so that each TF is tried equally
often. The state of a stream is one number (splitmix64, Steele et al. 2014, doi 10.1145/2660193.2660195).
"""

from __future__ import annotations

import numpy as np
from numba import njit

DEPTH = 3  # levels of splits, scikit-learn's default for gradient boosting


@njit
def mix(z: np.uint64) -> np.uint64:
    """splitmix64's output for a state."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit
def draw_below(state: np.ndarray, bound: int) -> np.int64:
    """Advance `state` (1, uint64); return a number in [0, bound)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    # Multiply and shift in place of the remainder: no division.
    return np.int64(
        ((mix(state[0]) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32)
    )


@njit
def shuffle_from(items: np.ndarray, first: int | np.int64, state: np.ndarray) -> None:
    """Fill items[first:] at random from all items (Fisher and Yates)."""
    for position in range(items.size - 1, max(first, 1) - 1, -1):
        other = draw_below(state, position + 1)
        items[position], items[other] = items[other], items[position]


@njit
def deal_tfs(order: np.ndarray, hand: int, seed: np.uint64, tree: np.int64) -> int:
    """Set the TFs' order on each level (DEPTH x n_tf) for a tree; return the place of the first that it tries.

    `hand` is the number of TFs a tree. `order` must still be that of the tree before.
    """
    n_tf = order.shape[1]
    hands = n_tf // hand
    if tree % hands == 0:
        state = np.zeros(1, np.uint64)
        for level in range(DEPTH):
            state[0] = mix(seed ^ mix(np.uint64(tree * DEPTH + level + 1)))
            for tf in range(n_tf):
                order[level, tf] = tf
            shuffle_from(order[level], np.int64(0), state)
    return hand * (tree % hands)
