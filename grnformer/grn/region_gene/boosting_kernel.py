"""Boosting importance of the regions of many genes at once.

Accessibility is binned once a region (`rank_kernel.rank_regions`) and then shared by all genes near it; genes run in
parallel and each has a random stream, so the result depends neither on their order nor on the number of threads.

All compiled functions stand in this file: numba's cache does not see changes of functions in other files.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

_DEPTH = 3
_NODES = 2 ** (_DEPTH + 1) - 1
_FIRST_LEAF = 2**_DEPTH - 1


class _Work(NamedTuple):
    """Arrays that all trees of a gene share.

    span[node] is the node's range in members. packed holds residual (above `bits`) and count (below) of the node's
    units by their place in members, so that a unit costs one addition.
    """

    bits: np.int64
    inverse: np.ndarray
    residual: np.ndarray
    members: np.ndarray
    held: np.ndarray
    packed: np.ndarray
    histogram: np.ndarray
    features: np.ndarray
    span: np.ndarray
    state: np.ndarray


@nb.njit(cache=True)
def _next(state: np.ndarray) -> np.uint64:
    """splitmix64 (Steele et al. 2014, doi 10.1145/2660193.2660195)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@nb.njit(cache=True)
def _cut(
    codes: np.ndarray,
    members: np.ndarray,
    packed: np.ndarray,
    work: _Work,
    total: float,
    best_gain: float,
) -> tuple[np.int64, float]:
    """Best split of a node on a region with bins `codes`: (last bin of the low side, -1 if none is better; its gain).

    The gain is the reduction of the sum of squares times the number of members.
    """
    histogram, inverse = work.histogram, work.inverse
    histogram[:] = 0
    n = len(members)
    for i in range(n):
        histogram[codes[members[i]]] += packed[i]

    # With S and n the node's sum and count, S_l and n_l those of the low side, the squares fall by
    # (n S_l - n_l S)^2 / (n n_l n_h). An empty side never wins: its inverse is not a number.
    best = np.int64(-1)
    size = float(n)
    mask = (np.int64(1) << work.bits) - 1
    running = np.int64(0)

    # Not the last bin: nothing would lie above it.
    for code in range(len(histogram) - 1):
        running += histogram[code]
        n_low = running & mask
        difference = size * float(running >> work.bits) - float(n_low) * total
        gain = (
            difference
            * difference
            * (inverse[np.uint64(n_low)] * inverse[np.uint64(n - n_low)])
        )
        if gain > best_gain:
            best_gain, best = gain, np.int64(code)
    return best, best_gain


@nb.njit(cache=True)
def _find_split(
    bins: np.ndarray,
    region: np.ndarray,
    work: _Work,
    first: int,
    last: int,
    total: float,
    n_tried: int,
) -> tuple[np.int64, np.int64, float]:
    """Best split of the units first:last: (feature, -1 if there is none; last bin of the low side; gain)."""
    features, n_features = work.features, len(region)
    members, packed = work.members[first:last], work.packed[first:last]
    best_feature, best_bin, best_gain = np.int64(-1), np.int64(-1), 0.0
    tried = 0
    # More than n_tried are tried as long as none splits the node, as in scikit-learn.
    while tried < n_features and (tried < n_tried or best_feature < 0):
        # a step of Fisher and Yates' shuffle: regions are sampled without replacement
        other = tried + int(_next(work.state) % np.uint64(n_features - tried))
        features[tried], features[other] = features[other], features[tried]
        code, gain = _cut(
            bins[region[features[tried]]], members, packed, work, total, best_gain
        )
        if code >= 0:
            best_feature, best_bin, best_gain = features[tried], code, gain
        tried += 1
    return best_feature, best_bin, best_gain


@nb.njit(cache=True)
def _partition(
    members: np.ndarray, held: np.ndarray, codes: np.ndarray, last_low: np.int64
) -> int:
    """Reorder members so that the low side comes first, both sides in their order; return the low side's size."""
    left, right = 0, 0
    # without a branch, which would be guessed wrong for every other unit
    for i in range(len(members)):
        unit = members[i]
        low = codes[unit] <= last_low
        members[np.uint64(left)] = unit
        held[np.uint64(right)] = unit
        left += low
        right += not low
    # by a loop: an assignment of slices compiles for seconds
    for i in range(right):
        members[left + i] = held[i]
    return left


@nb.njit(cache=True)
def _grow_tree(
    bins: np.ndarray,
    region: np.ndarray,
    work: _Work,
    n_tried: int,
    learning_rate: float,
    importance: np.ndarray,
) -> None:
    """Grow a tree on all units, take its steps, and add its gains to `importance`."""
    residual, members, span = work.residual, work.members, work.span
    span[:] = 0
    span[0, 1] = len(members)

    # Level by level: the children of node i, 2 i + 1 and 2 i + 2, come after it.
    for node in range(_NODES):
        first, last = span[node, 0], span[node, 1]
        if last <= first:
            continue

        total = np.int64(0)
        feature, code, gain = np.int64(-1), np.int64(-1), 0.0
        if node >= _FIRST_LEAF:
            for i in range(first, last):
                total += residual[members[i]]
        else:
            smallest = largest = residual[members[first]]
            for i in range(first, last):
                value = residual[members[i]]
                work.packed[i] = (value << work.bits) + 1
                total += value
                smallest = min(smallest, value)
                largest = max(largest, value)

            # Equal residuals leave nothing for a split to gain.
            if smallest != largest:
                feature, code, gain = _find_split(
                    bins, region, work, first, last, float(total), n_tried
                )
        if feature < 0:
            step = np.int64(np.rint(learning_rate * float(total) / float(last - first)))
            for i in range(first, last):
                residual[members[i]] -= step
            continue

        importance[feature] += gain / float(last - first)
        middle = first + _partition(
            members[first:last], work.held, bins[region[feature]], code
        )
        span[2 * node + 1] = (first, middle)
        span[2 * node + 2] = (middle, last)


@nb.njit(cache=True)
def _boost_gene(
    rows: np.ndarray, data: np.ndarray, bins: np.ndarray, n_bins: int, region: np.ndarray, seed: np.uint64,
    n_trees: int, learning_rate: float, feature_fraction: float, importance: np.ndarray,
) -> None:  # fmt: skip
    """Fill the importance of one gene's regions."""
    n = bins.shape[1]
    expression = np.zeros(n, np.float64)
    expression[rows] = data
    width = expression.max() - expression.min()
    if width <= 0 or len(region) == 0:
        return

    # The low bits of a packed value count up to n units. What 62 bits leave is for the sum of the residuals, again n
    # of them: hence twice the bits.
    bits = np.int64(1)
    while (np.int64(1) << bits) <= n:
        bits += 1
    levels = float(np.int64(1) << min(np.int64(30), 62 - 2 * bits))

    inverse = np.full(n + 1, np.nan)
    for count in range(1, n + 1):
        inverse[count] = 1.0 / count

    mean = expression.mean()
    residual = np.empty(n, np.int64)
    for unit in range(n):
        residual[unit] = np.int64(np.rint((expression[unit] - mean) / width * levels))

    state = np.full(1, seed, np.uint64)
    work = _Work(
        bits,
        inverse,
        residual,
        np.arange(n).astype(np.uint32),
        np.empty(n, np.uint32),
        np.empty(n, np.int64),
        np.empty(n_bins, np.int64),
        np.arange(len(region)),
        np.zeros((_NODES, 2), np.int64),
        state,
    )

    n_tried = max(1, int(len(region) * feature_fraction))
    for _ in range(n_trees):
        _grow_tree(bins, region, work, n_tried, learning_rate, importance)

    whole = importance.sum()
    if whole > 0:
        importance /= whole


@nb.njit(parallel=True, cache=True)
def boost(
    indptr: np.ndarray, rows: np.ndarray, data: np.ndarray, bins: np.ndarray, n_bins: int, starts: np.ndarray,
    region: np.ndarray, seeds: np.ndarray, n_trees: int, learning_rate: float, feature_fraction: float,
) -> np.ndarray:  # fmt: skip
    """Importance of each pair's region for its gene by gradient boosting on binned accessibility.

    Squared loss, trees of depth 3, `feature_fraction` of the gene's regions tried at each split (at least one, and
    more as long as none splits the node, as in scikit-learn); importance = impurity decrease summed over nodes and
    trees, scaled to sum 1 a gene (0 throughout for a gene that nothing explains). Parameters as in
    `rank_kernel.correlate`; `bins` and `n_bins` as in `rank_regions`; `seeds` (uint64) one a gene. Residuals are
    integers of 30 bits, fewer where units are many, so that sums are exact.
    """
    importance = np.zeros(len(region), np.float64)
    for g in nb.prange(len(starts) - 1):
        low, high = indptr[g], indptr[g + 1]
        first, last = starts[g], starts[g + 1]
        _boost_gene(
            rows[low:high], data[low:high], bins, n_bins, region[first:last], seeds[g],
            n_trees, learning_rate, feature_fraction, importance[first:last],
        )  # fmt: skip
    return importance
