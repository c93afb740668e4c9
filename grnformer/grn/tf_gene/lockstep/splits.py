"""The splits of a level's nodes in all lanes of a group: sums of the bins of a TF, and the best cut so far.

A residual of 8 bits and its cell's count of one are packed into 16 (`vectors.pack`), so that several entries are added
before sum and count are taken apart; and the nodes of a level take one pass over the entries. Sums are integers in
float32, exact below 2^24: to 132,000 cells whatever the values.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from grnformer.grn.tf_gene.lockstep import vectors as v
from grnformer.grn.tf_gene.lockstep.arrays import AT_ONCE, LANES, Group, Work
from grnformer.grn.tf_gene.lockstep.entries import SortedTfs
from grnformer.grn.tf_gene.lockstep.settings import SCALE

L = LANES
W = v.Word
# rows of a node's state: the best split so far, then the node
_NUMERATOR, _DENOMINATOR, SUM, COUNT, _SIZE, _TOTAL = (L * row for row in range(6))


@njit
def _add_entries(
    tfs: SortedTfs, tile: int, tf: int, packed: np.ndarray, member: np.ndarray, like: tuple, sums: np.ndarray,
    at: int | np.int64,
) -> None:  # fmt: skip
    """Add a TF's entries of one tile to sums[at:] (bins x (sums, counts) x nodes x lanes); `like`: an entry a node."""
    n_nodes = len(like)
    cells, stops = tfs.cell, tfs.bin_stop[tile]
    entry = tfs.start[tile, tf]
    for position in range(tfs.bin_start[tf], tfs.bin_start[tf + 1]):
        stop = stops[np.uint64(position)]
        if entry < stop:
            sum_ = v.load_floats(sums, at, like)
            count = v.load_floats(sums, at + n_nodes * L, like)
            while entry < stop:
                run_stop = min(stop, entry + v.RUN)
                run = v.zeros(like)
                while entry < run_stop:
                    cell = np.int64(cells[np.uint64(entry)])
                    value = v.load_shorts(packed, cell * L, (0,))
                    here = v.load_masks(member, cell * n_nodes, like)
                    run = v.add_where(run, here, value)
                    entry += 1
                sum_ = v.add(sum_, v.sum_of(run))
                count = v.add(count, v.count_of(run))
            v.store(sums, at, sum_)
            v.store(sums, at + n_nodes * L, count)
        at += 2 * n_nodes * L


@njit
def _find_cut(
    tfs: SortedTfs, tf: int, sums: np.ndarray, at: int | np.int64, n_nodes: np.int64, node: int | np.int64,
    lanes: np.uint32, work: Work,
) -> None:  # fmt: skip
    """Compare the cuts of a TF with a node's best so far, in `lanes`; leave its sums at 0.

    The gain of a cut is d^2 / (n_h n_l), but for a factor of the node, with d = n S_h - n_h S: compared crosswise,
    without a division. The node's size and total come scaled by `SCALE`, so that nothing overflows.
    """
    best, best_bin = work.best[node], work.best_bin[node]
    zero = v.splat(np.float32(0))
    sum_, count = zero, zero
    allowed = v.mask_of(lanes)
    b_numerator = v.load_floats(best, _NUMERATOR, (0,))
    b_denominator = v.load_floats(best, _DENOMINATOR, (0,))
    b_sum, b_count = v.load_floats(best, SUM, (0,)), v.load_floats(best, COUNT, (0,))
    b_bin = v.load_ints(best_bin, 0, (0,))
    size = v.load_floats(work.size[node], 0, (0,))
    scaled, total = v.load_floats(best, _SIZE, (0,)), v.load_floats(best, _TOTAL, (0,))
    for position in range(tfs.bin_start[tf], tfs.bin_start[tf + 1]):
        sum_ = v.add(sum_, v.load_floats(sums, at, (0,)))
        count = v.add(count, v.load_floats(sums, at + n_nodes * L, (0,)))
        v.store(sums, at, zero)
        v.store(sums, at + n_nodes * L, zero)
        at += 2 * n_nodes * L
        difference = v.sub(v.mul(sum_, scaled), v.mul(count, total))
        numerator = v.mul(difference, difference)
        denominator = v.mul(count, v.sub(size, count))
        better = v.both(
            allowed,
            v.above(v.mul(numerator, b_denominator), v.mul(b_numerator, denominator)),
        )
        b_numerator = v.where(better, numerator, b_numerator)
        b_denominator = v.where(better, denominator, b_denominator)
        b_sum, b_count = v.where(better, sum_, b_sum), v.where(better, count, b_count)
        b_bin = v.where_int(better, v.splat_int(np.int32(position)), b_bin)
    v.store(best, _NUMERATOR, b_numerator)
    v.store(best, _DENOMINATOR, b_denominator)
    v.store(best, SUM, b_sum)
    v.store(best, COUNT, b_count)
    v.store(best_bin, 0, b_bin)


@njit
def open_level(work: Work, first: int, n_nodes: int) -> bool:
    """Set the nodes' state for a level; return whether any can be split."""
    any_open = W(0)
    for node in range(first, first + n_nodes):
        size = v.load_floats(work.size[node], 0, (0,))
        total = v.load_floats(work.total[node], 0, (0,))
        work.open[node] &= v.bits_of(v.above(size, v.splat(np.float32(1.5))))
        any_open |= work.open[node]
        scale = v.splat(np.float32(SCALE))
        v.store(work.best[node], _NUMERATOR, v.splat(np.float32(-1)))
        v.store(work.best[node], _DENOMINATOR, v.splat(np.float32(1)))
        v.store(work.best[node], _SIZE, v.mul(size, scale))
        v.store(work.best[node], _TOTAL, v.mul(total, scale))
        work.best_bin[node, :] = -1
    return any_open != W(0)


@njit
def try_tfs(
    tfs: SortedTfs, drawn: np.ndarray, group: Group, member: np.ndarray, like: tuple, work: Work
) -> None:  # fmt: skip
    """Compare the cuts of the `drawn` TFs in all nodes of a level, a node an entry of `like`."""
    n_tiles, n_nodes = tfs.start.shape[0], np.int64(len(like))
    first = n_nodes - 1
    at_once = 1 if n_tiles == 1 else AT_ONCE
    apart = work.sums.size // at_once
    for begin in range(0, drawn.size, at_once):
        some = drawn[begin : begin + at_once]
        # tile by tile, so that a tile's residuals stay in the cache for all these TFs
        for tile in range(n_tiles):
            for k in range(some.size):
                _add_entries(
                    tfs, tile, some[k], group.packed, member, like, work.sums, k * apart
                )
        for k in range(some.size):
            for node in range(n_nodes):
                lanes = work.open[first + node] & ~group.own_lanes[some[k]]
                at = k * apart + node * L
                _find_cut(
                    tfs, some[k], work.sums, at, n_nodes, first + node, lanes, work
                )


@njit
def _varied(
    packed: np.ndarray, member: np.ndarray, n_nodes: int, node: int, n_cells: int
) -> np.uint32:
    """Lanes in which the residuals of a node are not all equal."""
    low, high = v.splat_short(np.int16(32767)), v.splat_short(np.int16(-32768))
    for cell in range(n_cells):
        here = v.load_masks(member, cell * n_nodes + node, (0,))
        value = v.load_shorts(packed, cell * L, (0,))
        low, high = v.low_where(low, here, value), v.high_where(high, here, value)
    return v.bits_of(v.differ(low, high))


@njit
def lanes_with_cut(work: Work, node: int) -> np.uint32:
    """Open lanes in which a cut of a node has been found."""
    found = W(0)
    for lane in range(L):
        if work.best_bin[node, lane] >= 0:
            found |= W(1) << W(lane)
    return found & work.open[node]


@njit
def try_further(
    tfs: SortedTfs, order: np.ndarray, first: int, done: int, group: Group, lanes: int, member: np.ndarray,
    n_nodes: int, node: int, spare: np.ndarray, work: Work,
) -> None:  # fmt: skip
    """Try TFs after the first `done` in the lanes that have not had their quota, or have no split yet.

    More than the quota are tried as long as none splits the node, as in scikit-learn; not where there is nothing to
    gain, all residuals being equal.
    """
    n_tf = order.size
    own_passed = W(0)
    for k in range(done):
        own_passed |= group.own_lanes[order[first + k]]
    known, varied = False, v.ALL
    for position in range(done, n_tf):
        found = lanes_with_cut(work, node)
        wanting = W(0)
        beyond = W(0)
        for lane in range(lanes):
            bit = W(1) << W(lane)
            if not work.open[node] & bit:
                continue
            tried = position - (1 if own_passed & bit else 0)
            if tried < group.quota[lane]:
                wanting |= bit
            elif not found & bit:
                beyond |= bit
        if beyond and not known:
            known = True
            varied = _varied(
                group.packed, member, n_nodes, node - n_nodes + 1, tfs.n_cells
            )
        wanting |= beyond & varied
        if not wanting:
            return

        at = first + position
        tf = order[at if at < n_tf else at - n_tf]
        own_passed |= group.own_lanes[tf]
        wanting &= ~group.own_lanes[tf]
        if not wanting:
            continue
        # the node's words alone
        for cell in range(tfs.n_cells):
            spare[cell] = member[cell * n_nodes + node - n_nodes + 1]
        for tile in range(tfs.start.shape[0]):
            _add_entries(
                tfs, tile, tf, group.packed, spare, (0,), work.sums, np.int64(0)
            )
        _find_cut(tfs, tf, work.sums, np.int64(0), np.int64(1), node, wanting, work)
