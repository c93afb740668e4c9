"""A tree in each lane of a group: level by level the splits, each cell's side of them, and the leaves' steps."""

from __future__ import annotations

import numpy as np
from numba import njit

from grnformer.grn.tf_gene.lockstep import vectors as v
from grnformer.grn.tf_gene.lockstep.arrays import LANES, Group, Work
from grnformer.grn.tf_gene.lockstep.draws import DEPTH
from grnformer.grn.tf_gene.lockstep.entries import SortedTfs
from grnformer.grn.tf_gene.lockstep.residuals import gain_of, shrunk_mean
from grnformer.grn.tf_gene.lockstep.settings import FIRST_LEAF, N_LEAVES
from grnformer.grn.tf_gene.lockstep.splits import (
    COUNT,
    SUM,
    lanes_with_cut,
    open_level,
    try_further,
    try_tfs,
)
from grnformer.grn.tf_gene.lockstep.steps import take_steps

L = LANES
W = v.Word


@njit
def _start_root(group: Group, lanes: int, n_cells: int, n_bag: int, work: Work) -> None:
    total = v.splat(np.float32(0))
    cell = 0
    while cell < n_cells:
        stop = min(n_cells, cell + v.RUN)
        run = v.zeros((0,))
        while cell < stop:
            here = v.load_masks(work.of_one, cell, (0,))
            value = v.load_shorts(group.packed, cell * L, (0,))
            run = v.add_where(run, here, value)
            cell += 1
        total = v.add(total, v.sum_of(run))
    v.store(work.total[0], 0, total)
    work.size[0, :] = n_bag
    work.open[:] = 0
    work.open[0] = v.ALL >> W(L - lanes)


@njit
def _members_of_two(work: Work) -> None:
    high = work.high[0]
    for cell in range(high.size):
        here = work.of_one[cell]
        work.of_two[2 * cell] = here & ~high[cell]
        work.of_two[2 * cell + 1] = here & high[cell]


@njit
def _members_of_four(work: Work) -> None:
    left, right = work.high[1], work.high[2]
    for cell in range(left.size):
        low, high = work.of_two[2 * cell], work.of_two[2 * cell + 1]
        work.of_four[4 * cell] = low & ~left[cell]
        work.of_four[4 * cell + 1] = low & left[cell]
        work.of_four[4 * cell + 2] = high & ~right[cell]
        work.of_four[4 * cell + 3] = high & right[cell]


@njit
def _split(
    tfs: SortedTfs, group: Group, lanes: int, node: int, importance: np.ndarray, work: Work
) -> None:  # fmt: skip
    """Take a node's best splits: gains to `importance`, cells to a side, sums and sizes to the children."""
    found = lanes_with_cut(work, node)
    best, high = work.best[node], work.high[node]
    low_child, high_child = 2 * node + 1, 2 * node + 2
    work.open[low_child] = work.open[high_child] = found
    for lane in range(L):
        taken = found & (W(1) << W(lane)) != W(0)
        sum_high = best[SUM + lane] if taken else np.float32(0)
        n_high = best[COUNT + lane] if taken else np.float32(0)
        n, total = work.size[node, lane], work.total[node, lane]
        work.total[high_child, lane], work.size[high_child, lane] = sum_high, n_high
        work.total[low_child, lane] = total - sum_high
        work.size[low_child, lane] = n - n_high
        if taken:
            tf = tfs.tf_of_bin[work.best_bin[node, lane]]
            importance[group.target[lane], tf] += gain_of(n, total, n_high, sum_high)
    if not found:
        high[:] = 0
        return

    work.planes[:] = 0
    for lane in range(lanes):
        if found & (W(1) << W(lane)):
            cut = work.best_bin[node, lane]
            tf = tfs.tf_of_bin[cut]
            last, bit = np.uint8(cut - tfs.bin_start[tf]), np.uint16(1 << (lane & 15))
            column, plane = tfs.bin_of_cell[tf], work.planes[lane >> 4]
            for cell in range(0, column.size, 32):
                v.mark_up_to(plane, column, cell, last, bit)
    first, second = work.planes[0], work.planes[1]
    for cell in range(high.size):
        high[cell] = W(first[cell]) | (W(second[cell]) << W(16))


@njit
def grow_tree(
    tfs: SortedTfs, group: Group, lanes: int, order: np.ndarray, first: int, cells: np.ndarray, n_bag: int,
    tree: np.int64, learning_rate: float, importance: np.ndarray, work: Work,
) -> None:  # fmt: skip
    """Grow a tree in each lane on the cells that `work.of_one` marks, and take its steps."""
    _start_root(group, lanes, tfs.n_cells, n_bag, work)
    least = group.quota[:lanes].min()
    for level in range(DEPTH):
        n_nodes = 1 << level
        if level == 0:
            member = work.of_one
        elif level == 1:
            _members_of_two(work)
            member = work.of_two
        else:
            _members_of_four(work)
            member = work.of_four
        if open_level(work, n_nodes - 1, n_nodes):
            drawn = order[level, first : first + least]
            if level == 0:
                try_tfs(tfs, drawn, group, member, (0,), work)
            elif level == 1:
                try_tfs(tfs, drawn, group, member, (0, 0), work)
            else:
                try_tfs(tfs, drawn, group, member, (0, 0, 0, 0), work)
        for node in range(n_nodes - 1, 2 * n_nodes - 1):
            if work.open[node]:
                try_further(
                    tfs, order[level], first, least, group, lanes, member, n_nodes, node, work.second, work
                )  # fmt: skip
            _split(tfs, group, lanes, node, importance, work)

    for leaf in range(N_LEAVES):
        for lane in range(L):
            node = FIRST_LEAF + leaf
            work.step[leaf * L + lane] = shrunk_mean(
                learning_rate, work.total[node, lane], work.size[node, lane]
            )
    take_steps(group, cells, n_bag, tree, work)
