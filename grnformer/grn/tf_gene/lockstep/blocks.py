"""GRNBoost2's trees for 32 targets at a time, each in a lane of vectors.

What makes it fast: the targets of a group share the draws of cells and TFs (`draws`), so that an entry of a TF is read
once for all of them; a residual of 8 bits and its cell's count of one are packed into 16 (16 * residual + 1), so that
15 entries are added before sum and count are taken apart; and the nodes of a level take one pass over the entries.
Sums are integers in float32, exact below 2^24: to 132,000 cells whatever the values.

A target's result depends on the seed and its own values, not on its lane or on the targets beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit

from grnformer.grn.tf_gene.lockstep import vectors as v
from grnformer.grn.tf_gene.lockstep.arrays import AT_ONCE, LANES, Group, Work
from grnformer.grn.tf_gene.lockstep.draws import (
    DEPTH,
    deal_tfs,
    shuffle_from,
)
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
    N_LEAVES,
    SCALE,
    WINDOW,
    Boosting,
    Targets,
)

L = LANES
W = v.Word
_ALL = W(2**32 - 1)
_RUN = 15  # entries added before sum and count are taken apart
_FLUSH = 4096  # out-of-bag cells added in float32
# rows of a node's state: the best split so far, then the node
_NUMERATOR, _DENOMINATOR, _SUM, _COUNT, _SIZE, _TOTAL = (L * row for row in range(6))


@njit
def _add_entries(
    tfs: SortedTfs, tile: int, tf: int, packed: np.ndarray, member: np.ndarray, like: tuple, sums: np.ndarray, at: int
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
                run_stop = min(stop, entry + _RUN)
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
    tfs: SortedTfs, tf: int, sums: np.ndarray, at: int, n_nodes: int, node: int, lanes: np.uint32, work: Work
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
    b_sum, b_count = v.load_floats(best, _SUM, (0,)), v.load_floats(best, _COUNT, (0,))
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
    v.store(best, _SUM, b_sum)
    v.store(best, _COUNT, b_count)
    v.store(best_bin, 0, b_bin)


@njit
def _open_level(work: Work, first: int, n_nodes: int) -> bool:
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
def _try_tfs(
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
def _found(work: Work, node: int) -> np.uint32:
    found = W(0)
    for lane in range(L):
        if work.best_bin[node, lane] >= 0:
            found |= W(1) << W(lane)
    return found & work.open[node]


@njit
def _try_further(
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
    known, varied = False, _ALL
    for position in range(done, n_tf):
        found = _found(work, node)
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


@njit
def _split(
    tfs: SortedTfs, group: Group, lanes: int, node: int, importance: np.ndarray, work: Work
) -> None:  # fmt: skip
    """Take a node's best splits: gains to `importance`, cells to a side, sums and sizes to the children."""
    found = _found(work, node)
    best, high = work.best[node], work.high[node]
    low_child, high_child = 2 * node + 1, 2 * node + 2
    work.open[low_child] = work.open[high_child] = found
    for lane in range(L):
        taken = found & (W(1) << W(lane)) != W(0)
        sum_high = best[_SUM + lane] if taken else np.float32(0)
        n_high = best[_COUNT + lane] if taken else np.float32(0)
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
def _lead_to_leaves(work: Work) -> None:
    """Which side each cell takes on levels 2 and 3: its node there follows from the levels above."""
    high = work.high
    for cell in range(work.second.size):
        a = high[0, cell]
        b = (a & high[2, cell]) | (~a & high[1, cell])
        work.second[cell] = b
        right = (b & high[6, cell]) | (~b & high[5, cell])
        left = (b & high[4, cell]) | (~b & high[3, cell])
        work.third[cell] = (a & right) | (~a & left)


@njit
def _step_of(work: Work, cell: int) -> v.Parts:
    """The step of a cell's leaf in each lane."""
    a = v.load_masks(work.high[0], cell, (0,))
    b, c = v.load_masks(work.second, cell, (0,)), v.load_masks(work.third, cell, (0,))
    s = work.step
    left = v.where(
        b,
        v.where(c, v.load_floats(s, 3 * L, (0,)), v.load_floats(s, 2 * L, (0,))),
        v.where(c, v.load_floats(s, L, (0,)), v.load_floats(s, 0, (0,))),
    )
    right = v.where(
        b,
        v.where(c, v.load_floats(s, 7 * L, (0,)), v.load_floats(s, 6 * L, (0,))),
        v.where(c, v.load_floats(s, 5 * L, (0,)), v.load_floats(s, 4 * L, (0,))),
    )
    return v.where(a, right, left)


@njit
def _pack_all(residual: np.ndarray, packed: np.ndarray) -> None:
    for at in range(0, residual.size, L):
        v.store(packed, at, _packed(v.load_floats(residual, at, (0,))))


@njit
def _packed(residual: v.Parts) -> v.Parts:
    scaled = v.mul(residual, v.splat(np.float32(LEVELS)))
    most, least = v.splat(np.float32(MOST)), v.splat(np.float32(-MOST))
    scaled = v.where(v.above(scaled, most), most, scaled)
    return v.pack(v.where(v.above(least, scaled), least, scaled))


@njit
def _take_steps(
    group: Group, cells: np.ndarray, n_bag: int, tree: int, work: Work
) -> None:
    """Move the residuals by their leaves' steps; note what out-of-bag squares lost."""
    _lead_to_leaves(work)
    residual = group.residual
    group.gained[:, tree % WINDOW] = 0
    for begin in range(n_bag, cells.size, _FLUSH):
        gained = v.splat(np.float32(0))
        for position in range(begin, min(begin + _FLUSH, cells.size)):
            cell = cells[np.uint64(position)]
            step = _step_of(work, cell)
            before = v.load_floats(residual, cell * L, (0,))
            twice = v.sub(v.add(before, before), step)
            gained = v.add(gained, v.mul(step, twice))
        v.store(work.gained, 0, gained)
        for lane in range(L):
            group.gained[lane, tree % WINDOW] += np.float64(work.gained[lane])

    for cell in range(cells.size):
        after = v.sub(v.load_floats(residual, cell * L, (0,)), _step_of(work, cell))
        v.store(residual, cell * L, after)
        v.store(group.packed, cell * L, _packed(after))


@njit
def _start_root(group: Group, lanes: int, n_cells: int, n_bag: int, work: Work) -> None:
    total = v.splat(np.float32(0))
    cell = 0
    while cell < n_cells:
        stop = min(n_cells, cell + _RUN)
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
    work.open[0] = _ALL >> W(L - lanes)


@njit
def _grow_tree(
    tfs: SortedTfs, group: Group, lanes: int, order: np.ndarray, first: int, cells: np.ndarray, n_bag: int, tree: int,
    learning_rate: float, importance: np.ndarray, work: Work,
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
        if _open_level(work, n_nodes - 1, n_nodes):
            drawn = order[level, first : first + least]
            if level == 0:
                _try_tfs(tfs, drawn, group, member, (0,), work)
            elif level == 1:
                _try_tfs(tfs, drawn, group, member, (0, 0), work)
            else:
                _try_tfs(tfs, drawn, group, member, (0, 0, 0, 0), work)
        for node in range(n_nodes - 1, 2 * n_nodes - 1):
            if work.open[node]:
                _try_further(
                    tfs, order[level], first, least, group, lanes, member, n_nodes, node, work.second, work
                )  # fmt: skip
            _split(tfs, group, lanes, node, importance, work)

    for leaf in range(N_LEAVES):
        for lane in range(L):
            node = FIRST_LEAF + leaf
            work.step[leaf * L + lane] = shrunk_mean(
                learning_rate, work.total[node, lane], work.size[node, lane]
            )
    _take_steps(group, cells, n_bag, tree, work)


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
        _pack_all(groups.residual[number], groups.packed[number])

    n_bag = max(1, int(settings.subsample * n_cells))
    hand = max(1, int(settings.max_features * n_tf))
    cells, order = np.arange(n_cells), np.zeros((DEPTH, n_tf), np.int64)
    state = np.full(1, settings.seed, np.uint64)
    # int64 here and below: numba compiles once more for a number that it sees
    moved, tree = True, np.int64(0)
    while active > 0:
        shuffle_from(cells, n_bag, state)
        work.of_one[:n_cells] = _ALL
        for cell in cells[n_bag:]:
            work.of_one[cell] = 0
        first = deal_tfs(order, hand, settings.seed, tree)
        for number in range((active + L - 1) // L):
            group, lanes = _group(groups, number), min(L, active - number * L)
            if moved:
                _mark_own(group, lanes)
            _grow_tree(
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
