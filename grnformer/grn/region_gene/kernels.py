"""Ranks, Spearman correlation and boosting importance of the regions of many genes at once.

Accessibility is ranked and binned once a region and then shared by all genes near it; genes run in parallel and have
their own random stream, so the result depends neither on their order nor on the number of threads.
"""

from __future__ import annotations

import numba as nb
import numpy as np

_DEPTH = 3
_NODES = 2 ** (_DEPTH + 1) - 1


@nb.njit(parallel=True, cache=True)
def rank_regions(values: np.ndarray, order: np.ndarray, n_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Mid-ranks of each row, centred and scaled to length 1, and their bins.

    Parameters
    ----------
    values
        Regions x units.
    order
        ``argsort(values, axis=1)``.
    n_bins
        Equally filled levels of accessibility that are told apart, at most 65,536.

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
            high = low + 1
            while high < n and values[r, order[r, high]] == values[r, order[r, low]]:
                high += 1
            rank = 0.5 * (low + high - 1) - 0.5 * (n - 1)
            square += (high - low) * rank * rank
            for i in range(low, high):
                ranks[r, order[r, i]] = rank
                bins[r, order[r, i]] = min(n_bins - 1, int((low + high) * 0.5 * n_bins / n))
            low = high
        if square > 0:
            ranks[r] /= np.sqrt(square)
    return ranks, bins


@nb.njit(parallel=True, cache=True)
def correlate(
    indptr: np.ndarray, rows: np.ndarray, data: np.ndarray, ranks: np.ndarray, starts: np.ndarray, region: np.ndarray
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
    n = ranks.shape[1]
    rho = np.zeros(len(region), np.float64)
    for g in nb.prange(len(starts) - 1):
        lo, hi = indptr[g], indptr[g + 1]
        values = data[lo:hi]
        order = np.argsort(values)
        n_zero = n - (hi - lo)
        n_nonpositive = np.searchsorted(values[order], 0.0, side="right")
        zeros = n_zero + n_nonpositive
        zero_rank = 0.5 * (zeros - 1) - 0.5 * (n - 1)
        above = np.zeros(hi - lo, np.float64)
        square = zeros * zero_rank * zero_rank
        low = n_nonpositive
        while low < hi - lo:
            high = low + 1
            while high < hi - lo and values[order[high]] == values[order[low]]:
                high += 1
            rank = n_zero + 0.5 * (low + high - 1) - 0.5 * (n - 1)
            square += (high - low) * rank * rank
            for i in range(low, high):
                above[order[i]] = rank - zero_rank
            low = high
        if square <= 0:
            continue
        norm = np.sqrt(square)
        for p in range(starts[g], starts[g + 1]):
            total = 0.0
            for i in range(hi - lo):
                # ranks are centred, so the part common to all units adds nothing
                total += ranks[region[p], rows[lo + i]] * above[i]
            rho[p] = max(-1.0, min(1.0, total / norm))
    return rho


@nb.njit(cache=True)
def _next(state: np.uint64) -> tuple[np.uint64, np.uint64]:
    """splitmix64 (Steele et al. 2014, doi 10.1145/2660193.2660195)."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, z ^ (z >> np.uint64(31))


@nb.njit(cache=True)
def _cut(
    codes: np.ndarray, members: np.ndarray, packed: np.ndarray, histogram: np.ndarray, bits: np.int64,
    inverse: np.ndarray, total: float, best_gain: float,
) -> tuple[np.int64, float]:  # fmt: skip
    """Best split of one node on one region: (last bin of the low side, or -1 if none beats `best_gain`; its gain).

    `codes` are the region's bins, `members` the node's units, `packed` their residuals (above `bits`) and counts of
    one (below), so that a unit costs one addition. inverse[k] is 1 / k, undefined for 0: an empty side never wins. The
    gain is the reduction of the sum of squares times the number of members.
    """
    histogram[:] = 0
    n = len(members)
    for i in range(n):
        histogram[codes[members[i]]] += packed[i]
    best = np.int64(-1)
    size = float(n)
    mask = (np.int64(1) << bits) - 1
    running = np.int64(0)
    for code in range(len(histogram) - 1):
        running += histogram[code]
        n_low = running & mask
        difference = size * float(running >> bits) - float(n_low) * total
        gain = difference * difference * (inverse[np.uint64(n_low)] * inverse[np.uint64(n - n_low)])
        if gain > best_gain:
            best_gain, best = gain, np.int64(code)
    return best, best_gain


@nb.njit(parallel=True, cache=True)
def boost(
    indptr: np.ndarray, rows: np.ndarray, data: np.ndarray, bins: np.ndarray, n_bins: int, starts: np.ndarray,
    region: np.ndarray, seeds: np.ndarray, n_trees: int, learning_rate: float, feature_fraction: float,
) -> np.ndarray:  # fmt: skip
    """Importance of each pair's region for its gene by gradient boosting on binned accessibility.

    Squared loss, trees of depth 3, `feature_fraction` of the gene's regions tried at each split (at least one, and more
    as long as none splits the node, as in scikit-learn); importance = impurity decrease summed over nodes and trees,
    scaled to sum 1 a gene (0 throughout for a gene that nothing explains). Parameters as in `correlate`; `bins` and
    `n_bins` as in `rank_regions`; `seeds` (uint64) one a gene. Residuals are integers
    of 30 bits, less where units are many, so that sums are exact.
    """
    n = bins.shape[1]
    importance = np.zeros(len(region), np.float64)
    bits = np.int64(1)
    while (np.int64(1) << bits) <= n:
        bits += 1
    levels = float(np.int64(1) << min(np.int64(30), 62 - 2 * bits))
    inverse = np.empty(n + 1)
    inverse[0] = np.nan
    for count in range(1, n + 1):
        inverse[count] = 1.0 / count
    for g in nb.prange(len(starts) - 1):
        first, n_features = starts[g], starts[g + 1] - starts[g]
        if n_features == 0:
            continue
        expression = np.zeros(n, np.float64)
        expression[rows[indptr[g] : indptr[g + 1]]] = data[indptr[g] : indptr[g + 1]]
        spread = expression.max() - expression.min()
        if spread <= 0:
            continue
        mean = expression.mean()
        residual = np.empty(n, np.int64)
        for unit in range(n):
            residual[unit] = np.int64(np.rint((expression[unit] - mean) / spread * levels))
        state = seeds[g]
        n_tried = max(1, int(n_features * feature_fraction))
        features = np.arange(n_features)
        members = np.arange(n).astype(np.uint32)
        held = np.empty(n, np.uint32)
        packed = np.empty(n, np.int64)
        histogram = np.empty(n_bins, np.int64)
        low = np.zeros(_NODES, np.int64)
        high = np.zeros(_NODES, np.int64)
        for _ in range(n_trees):
            low[:] = 0
            high[:] = 0
            high[0] = n
            for node in range(_NODES):
                a, b = low[node], high[node]
                if b <= a:
                    continue
                total = np.int64(0)
                smallest = residual[members[a]]
                largest = smallest
                for i in range(a, b):
                    value = residual[members[i]]
                    packed[i] = (value << bits) + 1
                    total += value
                    smallest = min(smallest, value)
                    largest = max(largest, value)
                best_gain, best_feature, best_bin = 0.0, -1, np.int64(-1)
                if node < _NODES // 2 and smallest != largest:
                    tried = 0
                    while tried < n_features and (tried < n_tried or best_feature < 0):
                        state, drawn = _next(state)
                        j = tried + int(drawn % np.uint64(n_features - tried))
                        features[tried], features[j] = features[j], features[tried]
                        code, gain = _cut(
                            bins[region[first + features[tried]]], members[a:b], packed[a:b], histogram, bits, inverse,
                            float(total), best_gain,
                        )  # fmt: skip
                        if code >= 0:
                            best_gain, best_feature, best_bin = gain, features[tried], code
                        tried += 1
                if best_feature < 0:
                    step = np.int64(np.rint(learning_rate * float(total) / float(b - a)))
                    for i in range(a, b):
                        residual[members[i]] -= step
                    continue
                importance[first + best_feature] += best_gain / float(b - a)
                codes = bins[region[first + best_feature]]
                left, right = a, 0
                for i in range(a, b):
                    unit = members[i]
                    if codes[unit] <= best_bin:
                        members[left] = unit
                        left += 1
                    else:
                        held[right] = unit
                        right += 1
                members[left:b] = held[:right]
                low[2 * node + 1], high[2 * node + 1] = a, left
                low[2 * node + 2], high[2 * node + 2] = left, b
        whole = importance[first : first + n_features].sum()
        if whole > 0:
            importance[first : first + n_features] /= whole
    return importance
