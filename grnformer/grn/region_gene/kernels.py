"""Ranks, Spearman correlation and boosting importance of the regions of many genes at once.

Accessibility is ranked and binned once a region and then shared by all genes near it; genes run in parallel and have
their own random stream, so the result depends neither on their order nor on the number of threads.
"""

from __future__ import annotations

import numba as nb
import numpy as np

N_BINS = 32
_DEPTH = 3
_NODES = 2 ** (_DEPTH + 1) - 1


@nb.njit(parallel=True, cache=True)
def rank_regions(values: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mid-ranks of each row, centred and scaled to length 1, and their bins.

    Parameters
    ----------
    values
        Regions x units.
    order
        ``argsort(values, axis=1)``.

    Returns
    -------
    ranks (float32, regions x units; all 0 where a row is constant) and bins (uint8 below `N_BINS`; equal values share
    a bin).
    """
    n_regions, n = values.shape
    ranks = np.zeros((n_regions, n), np.float32)
    bins = np.zeros((n_regions, n), np.uint8)
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
                bins[r, order[r, i]] = min(N_BINS - 1, int((low + high) * 0.5 * N_BINS / n))
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


@nb.njit(parallel=True, cache=True)
def boost(
    indptr: np.ndarray, rows: np.ndarray, data: np.ndarray, bins: np.ndarray, starts: np.ndarray, region: np.ndarray,
    seeds: np.ndarray, n_trees: int, learning_rate: float, feature_share: float,
) -> np.ndarray:  # fmt: skip
    """Importance of each pair's region for its gene by gradient boosting on binned accessibility.

    Squared loss, trees of depth 3, `feature_share` of the gene's regions tried at each split (at least one);
    importance = impurity decrease summed over nodes and trees, scaled to sum 1 a gene (0 throughout for a gene that
    nothing explains). Parameters as in `correlate`; `seeds` (uint64) one a gene.
    """
    n = bins.shape[1]
    importance = np.zeros(len(region), np.float64)
    for g in nb.prange(len(starts) - 1):
        first, n_features = starts[g], starts[g + 1] - starts[g]
        if n_features == 0:
            continue
        residual = np.zeros(n, np.float64)
        residual[rows[indptr[g] : indptr[g + 1]]] = data[indptr[g] : indptr[g + 1]]
        residual -= residual.mean()
        state = seeds[g]
        n_tried = max(1, int(n_features * feature_share))
        features = np.arange(n_features)
        members = np.arange(n)
        held = np.empty(n, np.int64)
        low = np.zeros(_NODES, np.int64)
        high = np.zeros(_NODES, np.int64)
        count = np.zeros(N_BINS, np.int64)
        total = np.zeros(N_BINS, np.float64)
        for _ in range(n_trees):
            low[:] = 0
            high[:] = 0
            high[0] = n
            for node in range(_NODES):
                a, b = low[node], high[node]
                if b <= a:
                    continue
                node_sum = 0.0
                for i in range(a, b):
                    node_sum += residual[members[i]]
                node_n = b - a
                best_gain, best_feature, best_bin = 1e-12, -1, 0
                if node < _NODES // 2 and node_n > 1:
                    for k in range(n_tried):
                        state, drawn = _next(state)
                        j = k + int(drawn % np.uint64(n_features - k))
                        features[k], features[j] = features[j], features[k]
                        row = region[first + features[k]]
                        count[:] = 0
                        total[:] = 0
                        for i in range(a, b):
                            code = bins[row, members[i]]
                            count[code] += 1
                            total[code] += residual[members[i]]
                        left_n, left_sum = 0, 0.0
                        for code in range(N_BINS - 1):
                            if count[code] == 0:
                                continue
                            left_n += count[code]
                            left_sum += total[code]
                            if left_n == node_n:
                                break
                            right_sum = node_sum - left_sum
                            gain = (
                                left_sum * left_sum / left_n
                                + right_sum * right_sum / (node_n - left_n)
                                - node_sum * node_sum / node_n
                            )
                            if gain > best_gain:
                                best_gain, best_feature, best_bin = gain, features[k], code
                if best_feature < 0:
                    step = learning_rate * node_sum / node_n
                    for i in range(a, b):
                        residual[members[i]] -= step
                    continue
                importance[first + best_feature] += best_gain
                row = region[first + best_feature]
                left, right = a, 0
                for i in range(a, b):
                    unit = members[i]
                    if bins[row, unit] <= best_bin:
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
