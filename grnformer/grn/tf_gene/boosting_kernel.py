"""The compiled core of `hist_boosting`: stochastic gradient boosting of one target gene after another.

What makes it fast: each TF's non-zero cells are sorted by expression once for all targets, so that a node's best
split on a TF is one pass over those cells, the zeros following by subtraction; and a cell's residual and its
count of one are packed into a single integer, so that the pass is one load and one addition a cell. Integers also
make every sum exact: the result depends on neither the order of addition nor the number of threads.

All compiled functions stand in this file: numba's cache does not see changes of functions in other files.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

WINDOW = 25  # trees in arboreto's early-stopping window
DEPTH = 3  # levels of splits, scikit-learn's default for gradient boosting
_NODES = 2 ** (DEPTH + 1) - 1
_FIRST_LEAF = 2**DEPTH - 1


class SortedTfs(NamedTuple):
    """TFs by their non-zero cells (entries), from the highest value down.

    Attributes
    ----------
    start
        First entry of each TF, and the number of entries (n_tf + 1, int64).
    cell
        Cell of each entry (uint32).
    bin_start
        First bin of each TF, and the number of bins (n_tf + 1, int64).
    bin_stop
        Entry after each bin's last (int64).
    bin_value
        Lowest value of each bin (float32).
    """

    start: np.ndarray
    cell: np.ndarray
    bin_start: np.ndarray
    bin_stop: np.ndarray
    bin_value: np.ndarray


class Boosting(NamedTuple):
    """Settings of boosting: see `hist_boosting.infer`."""

    learning_rate: float
    max_trees: int
    max_features: float
    subsample: float


class _Work(NamedTuple):
    """Arrays that all targets of a call share.

    cells holds the sampled cells first, then the out-of-bag cells; bag and out are the ranges of each node in it.
    packed holds residual (above `bits`) and count of a node's cells, 0 elsewhere. inverse[k] is 1 / k, and undefined
    for k = 0, so that an empty side never wins a comparison. running is scratch.
    """

    bits: np.int64
    levels: float
    inverse: np.ndarray
    residual: np.ndarray
    packed: np.ndarray
    running: np.ndarray
    is_high: np.ndarray
    cells: np.ndarray
    features: np.ndarray
    bag: np.ndarray
    out: np.ndarray
    state: np.ndarray


@njit(cache=True)
def _allocate(n_tf: int, n_cells: int) -> _Work:
    # The low bits of a packed value count up to n_cells cells. What 62 bits leave is for the sum of the residuals,
    # again n_cells of them: hence twice the bits.
    bits = np.int64(1)
    while (np.int64(1) << bits) <= n_cells:
        bits += 1
    levels = float(np.int64(1) << min(np.int64(30), 62 - 2 * bits))

    inverse = np.full(n_cells + 1, np.nan)
    for count in range(1, n_cells + 1):
        inverse[count] = 1.0 / count
    return _Work(
        bits,
        levels,
        inverse,
        np.empty(n_cells, np.int64),
        np.zeros(n_cells, np.int64),
        np.empty(n_cells, np.int64),
        np.zeros(n_cells, np.bool_),
        np.arange(n_cells),
        np.empty(n_tf, np.int64),
        np.zeros((_NODES, 2), np.int64),
        np.zeros((_NODES, 2), np.int64),
        np.zeros(1, np.uint64),
    )


@njit(cache=True, inline="always")
def _sample_below(state: np.ndarray, bound: int) -> np.int64:
    """Advance splitmix64 (Steele et al. 2014, doi 10.1145/2660193.2660195); return a number in [0, bound)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    # Multiply and shift in place of the remainder: no division.
    return np.int64(((z >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@njit(cache=True)
def _scan(
    tfs: SortedTfs, tf: int, work: _Work, n: int, total: float, best_gain: float
) -> tuple[np.int64, float]:
    """Best split of a node of n cells on one TF: (bin just below the cut, or -1 if none beats `best_gain`; its gain).

    The gain is the reduction of the sum of squares times n.
    """
    best_bin = np.int64(-1)
    first_bin, last_bin = tfs.bin_start[tf], tfs.bin_start[tf + 1]
    if first_bin == last_bin:
        return best_bin, best_gain

    # Two plain loops: a branch on the data costs more than the additions it would save. Unsigned indices: they spare
    # the check for negative ones.
    start = tfs.start[tf]
    cell, packed, running, inverse = tfs.cell, work.packed, work.running, work.inverse
    inside = np.int64(0)
    for entry in range(tfs.bin_stop[last_bin - 1] - start):
        inside += packed[cell[np.uint64(start + entry)]]
        running[np.uint64(entry)] = inside
    if inside == 0:
        return best_bin, best_gain

    # With S and n the node's sum and count, S_h and n_h those of the high side, the squares fall by
    # (n S_h - n_h S)^2 / (n n_h n_l).
    mask = (np.int64(1) << work.bits) - 1
    size = float(n)
    for position in range(first_bin, last_bin):
        inside = running[np.uint64(tfs.bin_stop[position] - start - 1)]
        n_high = inside & mask
        difference = size * float(inside >> work.bits) - float(n_high) * total
        gain = (
            difference
            * difference
            * inverse[np.uint64(n_high)]
            * inverse[np.uint64(n - n_high)]
        )
        if gain > best_gain:
            best_gain = gain
            best_bin = np.int64(position)
    return best_bin, best_gain


@njit(cache=True)
def _cut_halfway(
    tfs: SortedTfs, best_bin: np.int64, last_bin: int, packed: np.ndarray
) -> np.int64:
    """Move the cut from just below the chosen bin to halfway to the node's next lower value.

    Only cells outside the node's sample lie in between (the out-of-bag cells), as with scikit-learn's thresholds.
    Returns the number of the entry that the cut stands before.
    """
    # 0 where no bin below holds a cell of the node: its other cells are zeros.
    below = 0.0
    start = tfs.bin_stop[best_bin]
    for position in range(best_bin + 1, last_bin):
        inside = np.int64(0)
        for entry in range(start, tfs.bin_stop[position]):
            inside += packed[tfs.cell[entry]]
        start = tfs.bin_stop[position]
        if inside != 0:
            below = tfs.bin_value[position]
            break

    threshold = 0.5 * (tfs.bin_value[best_bin] + below)
    # Bins down to the threshold join the high side; none holds a sampled cell here.
    while best_bin + 1 < last_bin and tfs.bin_value[best_bin + 1] > threshold:
        best_bin += 1
    return tfs.bin_stop[best_bin]


@njit(cache=True)
def _find_split(
    tfs: SortedTfs,
    work: _Work,
    first: int,
    last: int,
    total: float,
    n_features: int,
    n_tried: int,
) -> tuple[np.int64, np.int64, float]:
    """Best split of the sampled cells first:last: (TF, or -1 if there is none; entry behind the high side; gain)."""
    cells, features, packed = work.cells, work.features, work.packed
    # All other cells are 0, and add nothing when a TF's entries are summed.
    for position in range(first, last):
        cell = cells[position]
        packed[cell] = (work.residual[cell] << work.bits) + 1

    best_tf, best_bin, best_end, best_gain = (
        np.int64(-1),
        np.int64(-1),
        np.int64(0),
        -1.0,
    )
    tried = 0
    # More than n_tried are tried as long as none splits the node, as in scikit-learn.
    while tried < n_features and (tried < n_tried or best_tf < 0):
        # a step of Fisher and Yates' shuffle: TFs are sampled without replacement
        other = tried + _sample_below(work.state, n_features - tried)
        tf = features[other]
        features[other] = features[tried]
        features[tried] = tf
        tried += 1
        chosen, gain = _scan(tfs, tf, work, last - first, total, best_gain)
        if chosen >= 0:
            best_tf, best_bin, best_gain = tf, chosen, gain

    if best_tf >= 0:
        best_end = _cut_halfway(tfs, best_bin, tfs.bin_start[best_tf + 1], packed)

    # Clearing only what was set costs the node's cells, not all cells.
    for position in range(first, last):
        packed[cells[position]] = 0
    return best_tf, best_end, best_gain


@njit(cache=True)
def _partition(
    cells: np.ndarray, span: np.ndarray, node: int, is_high: np.ndarray
) -> None:
    """Reorder the node's cells so that the low side comes first, and give each child its range."""
    start, stop = span[node, 0], span[node, 1]
    left, right = start, stop - 1
    while left <= right:
        if is_high[cells[left]]:
            cells[left], cells[right] = cells[right], cells[left]
            right -= 1
        else:
            left += 1
    span[2 * node + 1] = (start, left)
    span[2 * node + 2] = (left, stop)


@njit(cache=True)
def _take_step(
    work: _Work, node: int, total: float, learning_rate: float, improvement: float
) -> float:
    """Move a leaf's residuals towards 0; return `improvement` with what the out-of-bag cells' squares lose."""
    residual, cells = work.residual, work.cells
    first, last = work.bag[node, 0], work.bag[node, 1]
    step = np.int64(np.rint(learning_rate * total / float(last - first)))
    for position in range(first, last):
        residual[cells[position]] -= step

    # One running sum over all leaves: in floating point, sums of leaves would add up to another number.
    for position in range(work.out[node, 0], work.out[node, 1]):
        before = float(residual[cells[position]])
        after = before - float(step)
        improvement += before * before - after * after
        residual[cells[position]] -= step
    return improvement


@njit(cache=True)
def _grow_tree(
    tfs: SortedTfs,
    work: _Work,
    n_features: int,
    n_tried: int,
    learning_rate: float,
    importance: np.ndarray,
) -> float:
    """Grow a tree on the cells of bag[0], add its gains to `importance`; return its out-of-bag improvement."""
    improvement = 0.0
    for node in range(_NODES):
        first, last = work.bag[node, 0], work.bag[node, 1]
        if first == last:
            continue

        total = np.int64(0)
        lowest = highest = work.residual[work.cells[first]]
        for position in range(first, last):
            value = work.residual[work.cells[position]]
            total += value
            lowest = min(lowest, value)
            highest = max(highest, value)

        tf, end, gain = np.int64(-1), np.int64(0), 0.0
        if node < _FIRST_LEAF and lowest != highest:
            tf, end, gain = _find_split(
                tfs, work, first, last, float(total), n_features, n_tried
            )
        if tf < 0:
            improvement = _take_step(
                work, node, float(total), learning_rate, improvement
            )
            continue

        # The gain of a scan is the reduction times the node's cells.
        importance[tf] += gain / (last - first)
        # All cells above the cut, of any node: one marking serves both partitions.
        high_side = tfs.cell[tfs.start[tf] : end]
        for cell in high_side:
            work.is_high[cell] = True
        _partition(work.cells, work.bag, node, work.is_high)
        _partition(work.cells, work.out, node, work.is_high)
        for cell in high_side:
            work.is_high[cell] = False
    return improvement


@njit(cache=True)
def _start_target(work: _Work, cell: np.ndarray, value: np.ndarray) -> float:
    """Set the residuals to expression less its mean, as integers; return their sum of squares, 0 for a constant."""
    expression = np.zeros(work.residual.size)
    for entry in range(cell.size):
        expression[cell[entry]] = value[entry]
    width = expression.max() - expression.min()
    if width <= 0.0:
        return 0.0

    mean = expression.mean()
    squares = 0.0
    for one in range(expression.size):
        work.residual[one] = np.int64(
            np.rint((expression[one] - mean) / width * work.levels)
        )
        work.cells[one] = one
        squares += float(work.residual[one]) * float(work.residual[one])
    return squares


@njit(cache=True)
def _boost_target(
    tfs: SortedTfs,
    work: _Work,
    n_features: int,
    settings: Boosting,
    importance: np.ndarray,
) -> int:
    """Boost one target; return the number of its trees."""
    cells = work.cells
    n_bag = max(1, int(settings.subsample * cells.size))
    n_tried = max(1, int(settings.max_features * n_features))
    window = np.zeros(WINDOW)
    trees = 0
    while trees < settings.max_trees:
        # The shuffle goes on from the last tree's order; only the out-of-bag end is sampled anew.
        for position in range(cells.size - 1, n_bag - 1, -1):
            other = _sample_below(work.state, position + 1)
            cells[position], cells[other] = cells[other], cells[position]

        work.bag[:] = 0
        work.out[:] = 0
        work.bag[0] = (0, n_bag)
        work.out[0] = (n_bag, cells.size)
        window[trees % WINDOW] = _grow_tree(
            tfs, work, n_features, n_tried, settings.learning_rate, importance
        )
        trees += 1
        # arboreto stops at a negative mean of the window: its sum has the same sign.
        if n_bag < cells.size and trees >= WINDOW and window.sum() < 0.0:
            break
    return trees


@njit(nogil=True, cache=True)
def boost_targets(
    tfs: SortedTfs,
    target_start: np.ndarray,
    target_cell: np.ndarray,
    target_value: np.ndarray,
    own_tf: np.ndarray,
    states: np.ndarray,
    n_cells: int,
    settings: Boosting,
    importance: np.ndarray,
    n_trees: np.ndarray,
) -> None:
    """Boost each target on all TFs but itself; fill `importance` and `n_trees`.

    Parameters
    ----------
    target_start, target_cell, target_value
        Targets as CSC; target_start (n_targets + 1).
    own_tf
        The target's number among the TFs, or -1 (n_targets).
    states
        Seeds (n_targets, uint64).
    importance
        Receives the summed gains as fractions of the target's sum of squares (n_targets, n_tf).
    n_trees
        Receives the size of the ensemble (n_targets).
    """
    n_tf = tfs.start.size - 1
    work = _allocate(n_tf, n_cells)
    for target in range(own_tf.size):
        work.state[0] = states[target]
        n_features = 0
        for tf in range(n_tf):
            if tf != own_tf[target]:
                work.features[n_features] = tf
                n_features += 1

        low, high = target_start[target], target_start[target + 1]
        squares = _start_target(work, target_cell[low:high], target_value[low:high])
        if squares == 0.0 or n_features == 0:
            continue

        n_trees[target] = _boost_target(
            tfs, work, n_features, settings, importance[target]
        )
        # A fraction of squares: the scale of the integers cancels.
        importance[target] /= squares
