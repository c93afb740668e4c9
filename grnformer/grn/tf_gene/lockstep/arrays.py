"""The arrays of `blocks`, made outside of the compiled code, which compiles the sooner."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grnformer.grn.tf_gene.lockstep.entries import SortedTfs
from grnformer.grn.tf_gene.lockstep.settings import FIRST_LEAF, N_LEAVES, NODES, WINDOW

LANES = 32
AT_ONCE = (
    8  # TFs whose sums stand beside each other while a tile of cells is in the cache
)
_LINE = 64  # bytes of a cache line


class Group(NamedTuple):
    """The targets of up to 32 lanes.

    Attributes
    ----------
    residual, packed
        cells x lanes, flat (float32, int16).
    target, quota, own_tf
        A lane's target, the number of TFs it tries at a split, and its number among the TFs or -1 (lanes, int64).
    own_lanes
        Lanes whose own a TF is (n_tf, words).
    gained
        What out-of-bag squares lost in each of the last trees (lanes x WINDOW, float64).
    """

    residual: np.ndarray
    packed: np.ndarray
    target: np.ndarray
    quota: np.ndarray
    own_tf: np.ndarray
    own_lanes: np.ndarray
    gained: np.ndarray


class Work(NamedTuple):
    """Arrays that all groups share; a word has a bit a lane.

    Attributes
    ----------
    of_one, of_two, of_four
        Lanes that hold a cell in a node of a level (cells x nodes, flat).
    high
        Lanes whose cell is on the high side of a node (FIRST_LEAF x cells).
    planes
        The halves of such words (2 x cells, uint16).
    second, third
        Lanes whose cell is on the high side of its node of level 2 and 3 (cells).
    sums
        Sums and counts by TF, bin, and node (flat, float32); 0 between uses.
    best, best_bin
        Nodes' state (FIRST_LEAF x 6 lanes); bin of the best split or -1 (FIRST_LEAF x lanes, int32).
    size, total
        Sampled cells of a node and the sum of their residuals (NODES x lanes, float32).
    open
        Lanes in which a node may be split (NODES, words).
    step, gained
        Leaves' steps (leaves x lanes, flat); scratch (lanes).
    """

    of_one: np.ndarray
    of_two: np.ndarray
    of_four: np.ndarray
    high: np.ndarray
    planes: np.ndarray
    second: np.ndarray
    third: np.ndarray
    sums: np.ndarray
    best: np.ndarray
    best_bin: np.ndarray
    size: np.ndarray
    total: np.ndarray
    open: np.ndarray
    step: np.ndarray
    gained: np.ndarray


def new_work(tfs: SortedTfs) -> Work:
    """Arrays for blocks of targets of these TFs, zeros."""
    width = tfs.bin_of_cell.shape[1]
    most_bins = int(np.diff(tfs.bin_start).max())
    at_once = 1 if tfs.start.shape[0] == 1 else AT_ONCE
    return Work(
        _zeros((width,), np.uint32),
        _zeros((2 * width,), np.uint32),
        _zeros((4 * width,), np.uint32),
        _zeros((FIRST_LEAF, width), np.uint32),
        _zeros((2, width), np.uint16),
        _zeros((width,), np.uint32),
        _zeros((width,), np.uint32),
        _zeros((at_once * most_bins * 8 * LANES,), np.float32),
        _zeros((FIRST_LEAF, 6 * LANES), np.float32),
        _zeros((FIRST_LEAF, LANES), np.int32),
        _zeros((NODES, LANES), np.float32),
        _zeros((NODES, LANES), np.float32),
        _zeros((NODES,), np.uint32),
        _zeros((N_LEAVES * LANES,), np.float32),
        _zeros((LANES,), np.float32),
    )


def new_groups(n_targets: int, n_cells: int, n_tf: int) -> Group:
    """A group a row, for `n_targets` targets; no lane taken."""
    n = -(-n_targets // LANES)
    return Group(
        _zeros((n, n_cells * LANES), np.float32),
        _zeros((n, n_cells * LANES), np.int16),
        np.full((n, LANES), -1, np.int64),
        np.zeros((n, LANES), np.int64),
        np.full((n, LANES), -1, np.int64),
        _zeros((n, n_tf), np.uint32),
        np.zeros((n, LANES, WINDOW)),
    )


def _zeros(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
    """Zeros from a cache line's start: a vector across two lines is read twice."""
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(n_bytes + _LINE, np.uint8)
    skip = -raw.ctypes.data % _LINE
    return raw[skip : skip + n_bytes].view(dtype).reshape(shape)
