"""The trees of `blocks` without vectors, one target after another: slower, the same bits.

The bits are the same as long as float32 holds all sums, which it does to 132,000 cells whatever the values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from grnformer.grn.tf_gene.lockstep.draws import DEPTH, deal_tfs, shuffle_from
from grnformer.grn.tf_gene.lockstep.entries import SortedTfs
from grnformer.grn.tf_gene.lockstep.residuals import (
    LEVELS,
    MOST,
    gain_of,
    shrunk_mean,
    start_target,
)
from grnformer.grn.tf_gene.lockstep.settings import (
    FIRST_LEAF,
    NODES,
    SCALE,
    WINDOW,
    Boosting,
    Targets,
)

_FLUSH = 4096  # out-of-bag cells added in float32, as in `steps`


class Cut(NamedTuple):
    """A split of a node: its bin (-1: none), what its high side sums to and counts, and its gain as a fraction."""

    bin: np.int64
    sum_high: np.float32
    n_high: np.float32
    numerator: np.float32
    denominator: np.float32


class Tree(NamedTuple):
    """A tree of one target: its cells' residuals as integers, their node, and the nodes' sizes and sums."""

    whole: np.ndarray
    node: np.ndarray
    sampled: np.ndarray
    size: np.ndarray
    total: np.ndarray


@njit
def _round(residual: np.ndarray, whole: np.ndarray) -> None:
    for cell in range(residual.size):
        scaled = residual[cell] * np.float32(LEVELS)
        scaled = max(min(scaled, np.float32(MOST)), np.float32(-MOST))
        whole[cell] = np.int64(np.rint(scaled))


@njit
def _best_cut(tfs: SortedTfs, tf: int, tree: Tree, node: int, best: Cut) -> Cut:
    """The best of `best` and the cuts of a node on a TF; d and the order of operations as in `splits`."""
    size, total = tree.size[node], tree.total[node]
    scaled, scaled_total = size * np.float32(SCALE), total * np.float32(SCALE)
    first, last = tfs.bin_start[tf], tfs.bin_start[tf + 1]
    sums, counts = np.zeros(last - first, np.int64), np.zeros(last - first, np.int64)
    column = tfs.bin_of_cell[tf]
    for cell in range(tfs.n_cells):
        if (
            tree.sampled[cell]
            and tree.node[cell] == node
            and column[cell] < last - first
        ):
            sums[column[cell]] += tree.whole[cell]
            counts[column[cell]] += 1

    sum_high = n_high = np.int64(0)
    for position in range(last - first):
        sum_high += sums[position]
        n_high += counts[position]
        s, n = np.float32(sum_high), np.float32(n_high)
        difference = s * scaled - n * scaled_total
        numerator = difference * difference
        denominator = n * (size - n)
        if numerator * best.denominator > best.numerator * denominator:
            best = Cut(np.int64(first + position), s, n, numerator, denominator)
    return best


@njit
def _find_split(
    tfs: SortedTfs, order: np.ndarray, first: int, quota: int, own: int, tree: Tree, node: int
) -> Cut:  # fmt: skip
    """Best split of a node on the first `quota` TFs from order[first], and on more as long as none splits it."""
    best = Cut(
        np.int64(-1), np.float32(0), np.float32(0), np.float32(-1), np.float32(1)
    )
    if tree.size[node] < 2:
        return best

    lowest, highest = np.int64(MOST), np.int64(-MOST)
    for cell in range(tree.whole.size):
        if tree.sampled[cell] and tree.node[cell] == node:
            lowest, highest = (
                min(lowest, tree.whole[cell]),
                max(highest, tree.whole[cell]),
            )
    n_tf, tried = order.size, 0
    for position in range(n_tf):
        if tried >= quota and (best.bin >= 0 or lowest == highest):
            break
        tf = order[(first + position) % n_tf]
        if tf != own:
            best = _best_cut(tfs, tf, tree, node, best)
            tried += 1
    return best


@njit
def _split(tfs: SortedTfs, cut: Cut, tree: Tree, node: int) -> None:
    """Send a node's cells to its children: all to the lower where there is no cut."""
    low, high = 2 * node + 1, 2 * node + 2
    tree.size[high], tree.total[high] = cut.n_high, cut.sum_high
    tree.size[low] = tree.size[node] - cut.n_high
    tree.total[low] = tree.total[node] - cut.sum_high
    tf = tfs.tf_of_bin[cut.bin] if cut.bin >= 0 else 0
    last = cut.bin - tfs.bin_start[tf]
    for cell in range(tree.whole.size):
        if tree.node[cell] == node:
            is_high = cut.bin >= 0 and tfs.bin_of_cell[tf, cell] <= last
            tree.node[cell] = high if is_high else low


@njit
def _boost_target(
    tfs: SortedTfs, residual: np.ndarray, own: int, quota: int, settings: Boosting, importance: np.ndarray
) -> np.int64:  # fmt: skip
    """Boost one target from its residuals on; return the number of its trees."""
    n_tf, n_cells = tfs.bin_start.size - 1, tfs.n_cells
    n_bag = max(1, int(settings.subsample * n_cells))
    hand = max(1, int(settings.max_features * n_tf))
    cells, order = np.arange(n_cells), np.zeros((DEPTH, n_tf), np.int64)
    state, gained = np.full(1, settings.seed, np.uint64), np.zeros(WINDOW)
    tree = Tree(
        np.zeros(n_cells, np.int64), np.zeros(n_cells, np.int64), np.zeros(n_cells, np.bool_),
        np.zeros(NODES, np.float32), np.zeros(NODES, np.float32),
    )  # fmt: skip
    step = np.zeros(NODES, np.float32)
    number = np.int64(0)
    while number < settings.max_trees:
        _round(residual, tree.whole)
        shuffle_from(cells, n_bag, state)
        first = deal_tfs(order, hand, settings.seed, number)
        tree.node[:], tree.sampled[:] = 0, True
        tree.sampled[cells[n_bag:]] = False
        tree.size[0], tree.total[0] = n_bag, tree.whole[tree.sampled].sum()
        splittable = np.ones(NODES, np.bool_)
        for node in range(FIRST_LEAF):
            level = 0 if node == 0 else 1 if node < 3 else 2
            cut = Cut(
                np.int64(-1),
                np.float32(0),
                np.float32(0),
                np.float32(-1),
                np.float32(1),
            )
            if splittable[node]:
                cut = _find_split(tfs, order[level], first, quota, own, tree, node)
            splittable[2 * node + 1] = splittable[2 * node + 2] = cut.bin >= 0
            if cut.bin >= 0:
                importance[tfs.tf_of_bin[cut.bin]] += gain_of(
                    tree.size[node], tree.total[node], cut.n_high, cut.sum_high
                )
            _split(tfs, cut, tree, node)

        for node in range(FIRST_LEAF, NODES):
            step[node] = shrunk_mean(
                settings.learning_rate, tree.total[node], tree.size[node]
            )
        gained[number % WINDOW] = 0
        for begin in range(n_bag, n_cells, _FLUSH):
            some = np.float32(0)
            for cell in cells[begin : begin + _FLUSH]:
                one, before = step[tree.node[cell]], residual[cell]
                some += one * (before + before - one)
            gained[number % WINDOW] += np.float64(some)
        for cell in range(n_cells):
            residual[cell] -= step[tree.node[cell]]

        number += 1
        if n_bag < n_cells and number >= WINDOW and gained.sum() < 0:
            break
    return number


@njit
def boost_block(
    tfs: SortedTfs, targets: Targets, settings: Boosting, importance: np.ndarray, n_trees: np.ndarray
) -> None:  # fmt: skip
    """Boost each target on all TFs but itself; see `lockstep.boost`."""
    n_tf = tfs.bin_start.size - 1
    for target in range(targets.own_tf.size):
        low, high = targets.start[target], targets.start[target + 1]
        residual = np.zeros(tfs.n_cells, np.float32)
        squares = start_target(
            targets.cell[low:high], targets.value[low:high], residual
        )
        own = targets.own_tf[target]
        n_others = n_tf - (1 if own >= 0 else 0)
        if squares == 0 or n_others == 0:
            continue
        quota = max(1, int(settings.max_features * n_others))
        n_trees[target] = _boost_target(
            tfs, residual, own, quota, settings, importance[target]
        )
        importance[target] /= squares


def compile_cached(source: int) -> Callable[..., int]:
    """`boost_block` in numba's cache; `source` stands for the sources, and is part of the cache's key as a closure."""

    @njit(nogil=True, cache=True)
    def boost(tfs, targets, settings, importance, n_trees):  # type: ignore[no-untyped-def]
        boost_block(tfs, targets, settings, importance, n_trees)
        return source

    compiled: Callable[..., int] = boost
    return compiled
