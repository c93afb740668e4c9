"""The compiled core of `hist_boosting`: stochastic gradient boosting of one target gene after another.

What makes it fast: each TF's non-zero cells are sorted by expression once for all targets, so that a node's best
split on a TF is one pass over those cells, the zeros following by subtraction; and a cell's residual and its
count of one are packed into a single integer, so that the pass is one load and one addition a cell. Integers also
make every sum exact: the result depends on neither the order of addition nor the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

WINDOW = 25  # trees in arboreto's early-stopping window
DEPTH = 3  # levels of splits, scikit-learn's default for gradient boosting
_NODES = 2 ** (DEPTH + 1) - 1
_FIRST_LEAF = 2**DEPTH - 1


@njit(cache=True, inline="always")
def _draw(state: np.ndarray, bound: int) -> np.int64:
    """Advance the splitmix64 state[0]; return a number in [0, bound)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.int64(((z >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@njit(cache=True)
def _scan(
    entry_cell: np.ndarray,
    bin_stop: np.ndarray,
    first_bin: int,
    last_bin: int,
    start: int,
    packed: np.ndarray,
    running: np.ndarray,
    bits: np.int64,
    inverse: np.ndarray,
    n: int,
    total: float,
    best_gain: float,
) -> tuple[np.int64, float]:
    """Best split of one node on one TF: (bin just below the cut, or -1 if no split beats `best_gain`; its gain).

    The TF's bins first_bin..last_bin run from its highest values down, bin b holding the entries up to bin_stop[b];
    `packed` holds residual and count of the node's cells and 0 elsewhere; inverse[k] is 1 / k, and undefined for
    k = 0, so that an empty side never wins; `running` is scratch. The gain is the reduction of the sum of squares
    times n. Two plain loops, because a branch on the data costs more than the additions it would save;
    unsigned indices, because they spare the check for negative ones.
    """
    best_bin = np.int64(-1)
    if first_bin == last_bin:
        return best_bin, best_gain
    length = bin_stop[last_bin - 1] - start
    inside = np.int64(0)
    for entry in range(length):
        inside += packed[entry_cell[np.uint64(start + entry)]]
        running[np.uint64(entry)] = inside
    if inside == 0:
        return best_bin, best_gain
    mask = (np.int64(1) << bits) - 1
    size = float(n)
    for position in range(first_bin, last_bin):
        inside = running[np.uint64(bin_stop[position] - start - 1)]
        n_high = inside & mask
        difference = size * float(inside >> bits) - float(n_high) * total
        gain = difference * difference * inverse[np.uint64(n_high)] * inverse[np.uint64(n - n_high)]
        if gain > best_gain:
            best_gain = gain
            best_bin = np.int64(position)
    return best_bin, best_gain


@njit(cache=True)
def _cut_halfway(
    entry_cell: np.ndarray,
    bin_stop: np.ndarray,
    bin_value: np.ndarray,
    best_bin: np.int64,
    last_bin: int,
    packed: np.ndarray,
) -> np.int64:
    """Move the cut from just below the chosen bin to halfway to the node's next lower value.

    Only cells outside the node's sample lie in between (the out-of-bag cells), as with scikit-learn's thresholds.
    Returns the number of the entry that the cut stands before.
    """
    below = 0.0
    start = bin_stop[best_bin]
    for position in range(best_bin + 1, last_bin):
        inside = np.int64(0)
        for entry in range(start, bin_stop[position]):
            inside += packed[entry_cell[entry]]
        start = bin_stop[position]
        if inside != 0:
            below = bin_value[position]
            break
    threshold = 0.5 * (bin_value[best_bin] + below)
    while best_bin + 1 < last_bin and bin_value[best_bin + 1] > threshold:
        best_bin += 1
    return bin_stop[best_bin]


@njit(cache=True)
def _partition(cells: np.ndarray, start: int, stop: int, is_high: np.ndarray) -> int:
    """Reorder cells[start:stop] so that the low side comes first; return where the high side starts."""
    left, right = start, stop - 1
    while left <= right:
        if is_high[cells[left]]:
            cells[left], cells[right] = cells[right], cells[left]
            right -= 1
        else:
            left += 1
    return left


@njit(nogil=True, cache=True)
def boost_targets(
    tf_start: np.ndarray,
    entry_cell: np.ndarray,
    tf_bin: np.ndarray,
    bin_stop: np.ndarray,
    bin_value: np.ndarray,
    target_start: np.ndarray,
    target_cell: np.ndarray,
    target_value: np.ndarray,
    own_tf: np.ndarray,
    states: np.ndarray,
    n_cells: int,
    learning_rate: float,
    max_trees: int,
    max_features: float,
    subsample: float,
    importance: np.ndarray,
    n_trees: np.ndarray,
) -> None:
    """Boost each target on all TFs but itself; fill `importance` and `n_trees`.

    TFs come as from `sort_entries`: tf_start and tf_bin (n_tf + 1), entry_cell (entries), bin_stop and bin_value
    (bins). Targets come as CSC: target_start (n_targets + 1), target_cell and target_value. own_tf (n_targets) is
    the target's own TF number or -1; states (n_targets) are the uint64 seeds. importance (n_targets, n_tf) receives
    the summed gains as shares of the target's sum of squares, n_trees (n_targets) the size of the ensemble.
    """
    n_tf = tf_start.size - 1
    bits = np.int64(1)
    while (np.int64(1) << bits) <= n_cells:
        bits += 1
    levels = float(np.int64(1) << min(np.int64(30), 62 - 2 * bits))
    n_bag = max(1, int(subsample * n_cells))

    inverse = np.empty(n_cells + 1)
    inverse[0] = np.nan
    for count in range(1, n_cells + 1):
        inverse[count] = 1.0 / count
    expression = np.empty(n_cells)
    residual = np.empty(n_cells, np.int64)
    packed = np.zeros(n_cells, np.int64)
    running = np.empty(n_cells, np.int64)
    is_high = np.zeros(n_cells, np.bool_)
    cells = np.arange(n_cells)  # n_bag sampled cells first, then the out-of-bag cells
    features = np.empty(n_tf, np.int64)
    bag_start, bag_stop = np.zeros(_NODES, np.int64), np.zeros(_NODES, np.int64)
    out_start, out_stop = np.zeros(_NODES, np.int64), np.zeros(_NODES, np.int64)
    exists = np.zeros(_NODES, np.bool_)
    window = np.zeros(WINDOW)
    state = np.zeros(1, np.uint64)

    for target in range(own_tf.size):
        state[0] = states[target]
        expression[:] = 0.0
        for entry in range(target_start[target], target_start[target + 1]):
            expression[target_cell[entry]] = target_value[entry]
        spread = expression.max() - expression.min()
        n_features = 0
        for tf in range(n_tf):
            if tf != own_tf[target]:
                features[n_features] = tf
                n_features += 1
        if spread <= 0.0 or n_features == 0:
            continue
        mean = expression.mean()
        for cell in range(n_cells):
            residual[cell] = np.int64(np.rint((expression[cell] - mean) / spread * levels))
            cells[cell] = cell
        squares = 0.0
        for cell in range(n_cells):
            squares += float(residual[cell]) * float(residual[cell])
        n_drawn = max(1, int(max_features * n_features))

        trees = 0
        while trees < max_trees:
            for position in range(n_cells - 1, n_bag - 1, -1):  # the out-of-bag sample, without replacement
                other = _draw(state, position + 1)
                cells[position], cells[other] = cells[other], cells[position]
            exists[:] = False
            exists[0] = True
            bag_start[0], bag_stop[0], out_start[0], out_stop[0] = 0, n_bag, n_bag, n_cells
            improvement = 0.0
            for node in range(_NODES):
                if not exists[node]:
                    continue
                first, last = bag_start[node], bag_stop[node]
                n = last - first
                total = np.int64(0)
                lowest = residual[cells[first]]
                highest = lowest
                for position in range(first, last):
                    value = residual[cells[position]]
                    total += value
                    lowest = min(lowest, value)
                    highest = max(highest, value)

                best_tf, best_bin, best_end, best_gain = -1, np.int64(-1), np.int64(0), -1.0
                if node < _FIRST_LEAF and n > 1 and lowest != highest:
                    for position in range(first, last):
                        packed[cells[position]] = (residual[cells[position]] << bits) + 1
                    drawn = 0
                    while drawn < n_features and (drawn < n_drawn or best_tf < 0):
                        other = drawn + _draw(state, n_features - drawn)
                        tf = features[other]
                        features[other] = features[drawn]
                        features[drawn] = tf
                        drawn += 1
                        chosen, gain = _scan(
                            entry_cell,
                            bin_stop,
                            tf_bin[tf],
                            tf_bin[tf + 1],
                            tf_start[tf],
                            packed,
                            running,
                            bits,
                            inverse,
                            n,
                            float(total),
                            best_gain,
                        )
                        if chosen >= 0:
                            best_tf, best_bin, best_gain = tf, chosen, gain
                    if best_tf >= 0:
                        best_end = _cut_halfway(entry_cell, bin_stop, bin_value, best_bin, tf_bin[best_tf + 1], packed)
                    for position in range(first, last):
                        packed[cells[position]] = 0

                if best_tf >= 0:
                    importance[target, best_tf] += best_gain / n
                    for entry in range(tf_start[best_tf], best_end):
                        is_high[entry_cell[entry]] = True
                    bag_middle = _partition(cells, first, last, is_high)
                    out_middle = _partition(cells, out_start[node], out_stop[node], is_high)
                    for entry in range(tf_start[best_tf], best_end):
                        is_high[entry_cell[entry]] = False
                    low, high = 2 * node + 1, 2 * node + 2
                    exists[low] = exists[high] = True
                    bag_start[low], bag_stop[low], bag_start[high], bag_stop[high] = first, bag_middle, bag_middle, last
                    out_start[low], out_stop[low] = out_start[node], out_middle
                    out_start[high], out_stop[high] = out_middle, out_stop[node]
                else:
                    step = np.int64(np.rint(learning_rate * float(total) / float(n)))
                    for position in range(first, last):
                        residual[cells[position]] -= step
                    for position in range(out_start[node], out_stop[node]):
                        before = float(residual[cells[position]])
                        after = before - float(step)
                        improvement += before * before - after * after
                        residual[cells[position]] -= step
            window[trees % WINDOW] = improvement
            trees += 1
            if n_bag < n_cells and trees >= WINDOW and window.sum() < 0.0:
                break
        n_trees[target] = trees
        importance[target] /= squares
