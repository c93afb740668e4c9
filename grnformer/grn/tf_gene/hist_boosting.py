"""GRNBoost2's network by an engine of its own: the same boosting, TFs sorted once for all targets.

Moerman et al. 2019, doi 10.1093/bioinformatics/bty916. Each gene is regressed on all TFs (but itself) by stochastic
gradient boosting: squared error, shrinkage, trees of depth 3, a fresh draw of TFs at every split, a fresh draw of
cells for every tree. Boosting stops when the mean out-of-bag improvement of the last 25 trees is negative, the
improvement being that of one tree on its own out-of-bag cells (as in scikit-learn up to 1.2.2, with which
arboreto was published; later versions compare two different samples).
"""

from __future__ import annotations

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp

_BLOCK = 64  # targets handed to a thread at a time
_log = logging.getLogger("grnformer.grn")


def infer(
    expression: sp.csc_matrix,
    genes: list[str],
    tf_columns: np.ndarray,
    target_columns: np.ndarray,
    *,
    learning_rate: float,
    max_trees: int,
    max_features: float,
    subsample: float,
    max_bins: int,
    importance: str,
    seed: int,
    threads: int,
) -> np.ndarray:
    """Return the importance of every TF for every target.

    Parameters
    ----------
    expression
        Cells x genes, CSC, not negative; log1p recommended.
    genes
        Names of the columns; a target's random stream depends on `seed` and its name alone.
    tf_columns, target_columns
        Column numbers of the TFs and of the targets.
    learning_rate, max_trees, max_features, subsample
        Shrinkage; most trees a target; share of TFs drawn at a split; share of cells drawn for a tree.
    max_bins
        Most distinct non-zero values of a TF that are told apart; above it, equally filled bins.
    importance
        "trees": a target's importances sum to its number of trees, as arboreto's; "share": to 1; "gain": what
        each split would remove at full step of the target's sum of squares, summed over trees.
    seed, threads
        The result is the same for any number of threads.

    Returns
    -------
    numpy.ndarray
        Targets x TFs, float32; 0 where a TF was never used, and in the whole row of a constant target.
    """
    from grnformer.grn.tf_gene.boosting_kernel import boost_targets

    n_cells = expression.shape[0]
    tf_start, entry_cell, tf_bin, bin_stop, bin_value = sort_entries(expression[:, tf_columns], max_bins)
    targets = expression[:, target_columns].tocsc()
    number = {int(column): tf for tf, column in enumerate(tf_columns)}
    own_tf = np.array([number.get(int(column), -1) for column in target_columns], dtype=np.int64)
    states = np.array([_stream(seed, genes[column]) for column in target_columns], dtype=np.uint64)
    gains = np.zeros((len(target_columns), len(tf_columns)))
    n_trees = np.zeros(len(target_columns), dtype=np.int64)

    def boost(start: int) -> None:
        block = slice(start, min(start + _BLOCK, len(target_columns)))
        boost_targets(
            tf_start,
            entry_cell,
            tf_bin,
            bin_stop,
            bin_value,
            targets.indptr[block.start : block.stop + 1].astype(np.int64),
            targets.indices.astype(np.int32, copy=False),
            targets.data.astype(np.float64, copy=False),
            own_tf[block],
            states[block],
            n_cells,
            learning_rate,
            max_trees,
            max_features,
            subsample,
            gains[block],
            n_trees[block],
        )

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(boost, range(0, len(target_columns), _BLOCK)):
            pass
    fitted = n_trees > 0
    _log.info(
        "%d targets on %d TFs: %.0f trees a target (median), %d at the limit of %d, %d constant",
        len(target_columns),
        len(tf_columns),
        np.median(n_trees[fitted]) if fitted.any() else 0,
        (n_trees == max_trees).sum(),
        max_trees,
        (~fitted).sum(),
    )
    return scale(gains, n_trees, importance)


def scale(gains: np.ndarray, n_trees: np.ndarray, importance: str) -> np.ndarray:
    """Scale summed gains (targets x TFs) by the kind of `importance` asked for; see `infer`."""
    if importance == "gain":
        return gains.astype(np.float32)
    total = gains.sum(axis=1, keepdims=True)
    share = np.divide(gains, total, out=np.zeros_like(gains), where=total > 0)
    return (share * n_trees[:, None] if importance == "trees" else share).astype(np.float32)


def sort_entries(
    tfs: sp.csc_matrix, max_bins: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sort each TF's non-zero cells by falling value, in at most `max_bins` bins of equal (or like) values.

    Returns
    -------
    tuple of numpy.ndarray
        First entry of each TF (n_tf + 1, int64); cell of each entry (uint32: spares the check for negative indices);
        first bin of each TF (n_tf + 1, int64); entry after each bin's last (int64); value of each bin (float32).
    """
    tfs = tfs.tocsc(copy=True)
    tfs.eliminate_zeros()
    tfs.sort_indices()
    cell = tfs.indices.astype(np.uint32)
    first_bin, stops, values = [0], [], []
    for low, high in zip(tfs.indptr[:-1], tfs.indptr[1:], strict=True):
        order = np.argsort(-tfs.data[low:high], kind="stable")
        cell[low:high] = cell[low:high][order]
        value = tfs.data[low:high][order]
        last = np.flatnonzero(np.append(value[1:] != value[:-1], True)[: high - low])
        if last.size > max_bins:
            quantiles = np.linspace(0, high - low, max_bins + 1)[1:] - 1
            last = np.unique(last[np.searchsorted(last, quantiles)])
        first_bin.append(first_bin[-1] + last.size)
        stops.append(low + last + 1)
        values.append(value[last])
    return (
        tfs.indptr.astype(np.int64),
        cell,
        np.array(first_bin, dtype=np.int64),
        np.concatenate(stops).astype(np.int64),
        np.concatenate(values).astype(np.float32),
    )


def _stream(seed: int, gene: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{gene}".encode(), digest_size=8).digest(), "little")
