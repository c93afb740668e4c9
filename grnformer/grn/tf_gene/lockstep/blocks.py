"""GRNBoost2's trees for 32 targets at a time, each in a lane of vectors.

What makes it fast: the targets of a group share the draws of cells and TFs (`draws`), so that an entry of a TF is read
once for all of them; `splits` adds small integers, and takes the nodes of a level at once.

A target's result depends on the seed and its own values, not on its lane or on the targets beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit

from grnformer.grn.tf_gene.lockstep import vectors as v
from grnformer.grn.tf_gene.lockstep.arrays import LANES, Group, Work
from grnformer.grn.tf_gene.lockstep.draws import DEPTH, deal_tfs, shuffle_from
from grnformer.grn.tf_gene.lockstep.entries import SortedTfs
from grnformer.grn.tf_gene.lockstep.residuals import start_target
from grnformer.grn.tf_gene.lockstep.settings import WINDOW, Boosting, Targets
from grnformer.grn.tf_gene.lockstep.steps import pack_all
from grnformer.grn.tf_gene.lockstep.trees import grow_tree

L = LANES
W = v.Word


@njit
def _move_lane(
    groups: Group, of: int, lane: int, to: int, place: int, n_cells: int
) -> None:  # fmt: skip
    for cell in range(n_cells):
        groups.residual[to, cell * L + place] = groups.residual[of, cell * L + lane]
        groups.packed[to, cell * L + place] = groups.packed[of, cell * L + lane]
    groups.gained[to, place] = groups.gained[of, lane]
    groups.target[to, place] = groups.target[of, lane]
    groups.quota[to, place] = groups.quota[of, lane]
    groups.own_tf[to, place] = groups.own_tf[of, lane]


@njit
def _mark_own(group: Group, lanes: int) -> None:
    group.own_lanes[:] = 0
    for lane in range(lanes):
        if group.own_tf[lane] >= 0:
            group.own_lanes[group.own_tf[lane]] |= W(1) << W(lane)


@njit
def _start(
    tfs: SortedTfs, targets: Targets, settings: Boosting, groups: Group, squares: np.ndarray
) -> int:  # fmt: skip
    """Give each target that varies a lane, in their order; return how many do."""
    n_tf, active = tfs.bin_start.size - 1, 0
    for target in range(targets.own_tf.size):
        number, lane = active // L, active % L
        low, high = targets.start[target], targets.start[target + 1]
        own = targets.own_tf[target]
        n_others = n_tf - (1 if own >= 0 else 0)
        found = start_target(
            targets.cell[low:high], targets.value[low:high], groups.residual[number, lane::L]
        )  # fmt: skip
        if found == 0 or n_others == 0:
            groups.residual[number, lane::L] = 0
            continue
        squares[target] = found
        groups.target[number, lane], groups.own_tf[number, lane] = target, own
        groups.quota[number, lane] = max(1, int(settings.max_features * n_others))
        active += 1
    return active


@njit
def _group(groups: Group, number: int) -> Group:
    return Group(
        groups.residual[number],
        groups.packed[number],
        groups.target[number],
        groups.quota[number],
        groups.own_tf[number],
        groups.own_lanes[number],
        groups.gained[number],
    )


@njit
def boost_block(
    tfs: SortedTfs, targets: Targets, settings: Boosting, groups: Group, work: Work, importance: np.ndarray,
    n_trees: np.ndarray,
) -> None:  # fmt: skip
    """Boost each target on all TFs but itself; see `lockstep.boost`. `groups` has a group a row."""
    n_tf, n_cells = tfs.bin_start.size - 1, tfs.n_cells
    squares = np.ones(n_trees.size)
    active = _start(tfs, targets, settings, groups, squares)
    for number in range(groups.residual.shape[0]):
        pack_all(groups.residual[number], groups.packed[number])

    n_bag = max(1, int(settings.subsample * n_cells))
    hand = max(1, int(settings.max_features * n_tf))
    cells, order = np.arange(n_cells), np.zeros((DEPTH, n_tf), np.int64)
    state = np.full(1, settings.seed, np.uint64)
    # int64 here and below: numba compiles once more for a number that it sees
    moved, tree = True, np.int64(0)
    while active > 0:
        shuffle_from(cells, n_bag, state)
        work.of_one[:n_cells] = v.ALL
        for cell in cells[n_bag:]:
            work.of_one[cell] = 0
        first = deal_tfs(order, hand, settings.seed, tree)
        for number in range((active + L - 1) // L):
            group, lanes = _group(groups, number), min(L, active - number * L)
            if moved:
                _mark_own(group, lanes)
            grow_tree(
                tfs, group, lanes, order, first, cells, n_bag, tree, settings.learning_rate, importance, work
            )  # fmt: skip

        moved, tree = False, tree + 1
        slot = 0
        while slot < active:
            number, lane = slot // L, slot % L
            # arboreto stops at a negative mean of the window: its sum has the same sign
            stop = (
                n_bag < n_cells
                and tree >= WINDOW
                and groups.gained[number, lane].sum() < 0
            )
            if tree < settings.max_trees and not stop:
                slot += 1
                continue
            n_trees[groups.target[number, lane]] = tree
            # the last target takes the lane, so that groups stay full
            active -= 1
            moved = True
            _move_lane(groups, active // L, active % L, number, lane, n_cells)

    for target in range(n_trees.size):
        if n_trees[target] > 0:
            importance[target] /= squares[target]


def compile_cached(source: int) -> Callable[..., int]:
    """`boost_block` in numba's cache; `source` stands for the sources, and is part of the cache's key as a closure."""

    @njit(nogil=True, cache=True)
    def boost(tfs, targets, settings, groups, work, importance, n_trees):  # type: ignore[no-untyped-def]
        boost_block(tfs, targets, settings, groups, work, importance, n_trees)
        return source

    compiled: Callable[..., int] = boost
    return compiled
