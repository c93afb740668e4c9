"""TFs as the kernels read them: their non-zero cells in bins from the highest value down, and each cell's bin."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp

MAX_BINS = 255
ZERO = 255  # the bin of a cell without the TF
PAD = 32  # columns are filled up to a multiple, to be read in whole vectors
_TILE = 8192  # cells whose packed residuals, 64 bytes a cell, fit a core's second cache


class SortedTfs(NamedTuple):
    """TFs by their non-zero cells (entries): tile of cells by tile, in a tile TF by TF, from the highest bin down.

    Attributes
    ----------
    start
        First entry of each TF in each tile (n_tiles x n_tf, int64).
    cell
        Cell of each entry (uint32).
    bin_start
        First bin of each TF, and the number of bins (n_tf + 1, int64).
    bin_stop
        Entry after each bin's last (n_tiles x bins, int64).
    tf_of_bin
        TF of each bin (int32).
    bin_of_cell
        Each cell's bin, counted within its TF; `ZERO` without the TF (n_tf x cells, filled up with ZERO, uint8).
    n_cells
        Number of cells.
    """

    start: np.ndarray
    cell: np.ndarray
    bin_start: np.ndarray
    bin_stop: np.ndarray
    tf_of_bin: np.ndarray
    bin_of_cell: np.ndarray
    n_cells: int


def sort_entries(tfs: sp.csc_matrix, max_bins: int, tile: int = _TILE) -> SortedTfs:
    """Sort each TF's non-zero cells into at most `max_bins` bins of equal (or like) values, highest first.

    Above `max_bins` distinct values, bins hold about as many cells each; equal values are never parted.
    """
    tfs = tfs.tocsc(copy=True)
    tfs.eliminate_zeros()
    tfs.sort_indices()
    n_cells, n_tf = tfs.shape

    width = -(-n_cells // PAD) * PAD
    bin_of_cell = np.full((n_tf, width), ZERO, np.uint8)
    n_bins, of_entry = [0], [np.empty(0, np.int64)]
    for tf, (low, high) in enumerate(itertools.pairwise(tfs.indptr)):
        bins = _bin(tfs.data[low:high], max_bins)
        bin_of_cell[tf, tfs.indices[low:high]] = bins
        of_entry.append(bins + n_bins[-1])
        n_bins.append(n_bins[-1] + (int(bins.max()) + 1 if bins.size else 0))

    bin_start = np.asarray(n_bins, dtype=np.int64)
    n_tiles, total = -(-n_cells // tile), int(bin_start[-1])
    key = (tfs.indices // tile).astype(np.int64) * total + np.concatenate(of_entry)
    # stable: cells in their order within a bin
    order = np.argsort(key, kind="stable")
    stop = np.cumsum(np.bincount(key, minlength=n_tiles * total))
    before = np.append(0, stop)
    first = np.arange(n_tiles)[:, None] * total + bin_start[:-1]
    return SortedTfs(
        before[first].astype(np.int64),
        tfs.indices[order].astype(np.uint32),
        bin_start,
        stop.reshape(n_tiles, total).astype(np.int64),
        np.repeat(np.arange(n_tf, dtype=np.int32), np.diff(bin_start)),
        bin_of_cell,
        n_cells,
    )


def _bin(value: np.ndarray, max_bins: int) -> np.ndarray:
    """Bin of each value, 0 for the highest (int64)."""
    if not value.size:
        return np.empty(0, np.int64)

    distinct, rank = np.unique(-value, return_inverse=True)
    if distinct.size <= max_bins:
        return rank.astype(np.int64)

    # the last distinct value of each bin, by how many cells it and those above it have
    cells = np.cumsum(np.bincount(rank))
    quantiles = np.linspace(0, value.size, max_bins + 1)[1:] - 1
    last = np.unique(np.searchsorted(cells, quantiles, side="right"))
    return np.searchsorted(last, rank)
