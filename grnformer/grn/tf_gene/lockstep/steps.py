"""The steps of the trees' leaves: residuals less them, packed anew, and what out-of-bag squares lose by them."""

from __future__ import annotations

import numpy as np
from numba import njit

from grnformer.grn.tf_gene.lockstep import vectors as v
from grnformer.grn.tf_gene.lockstep.arrays import LANES, Group, Work
from grnformer.grn.tf_gene.lockstep.residuals import LEVELS, MOST
from grnformer.grn.tf_gene.lockstep.settings import WINDOW

L = LANES
_FLUSH = 4096  # out-of-bag cells added in float32


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
def pack_all(residual: np.ndarray, packed: np.ndarray) -> None:
    """Set `packed` to the residuals of all cells and lanes, as integers with a count of one."""
    for at in range(0, residual.size, L):
        v.store(packed, at, _packed(v.load_floats(residual, at, (0,))))


@njit
def _packed(residual: v.Parts) -> v.Parts:
    scaled = v.mul(residual, v.splat(np.float32(LEVELS)))
    most, least = v.splat(np.float32(MOST)), v.splat(np.float32(-MOST))
    scaled = v.where(v.above(scaled, most), most, scaled)
    return v.pack(v.where(v.above(least, scaled), least, scaled))


@njit
def take_steps(
    group: Group, cells: np.ndarray, n_bag: int, tree: np.int64, work: Work
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
