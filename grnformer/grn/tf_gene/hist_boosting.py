"""GRNBoost2's network by an engine of this package: the same boosting, TFs sorted once for all targets.

Moerman et al. 2019, doi 10.1093/bioinformatics/bty916. Each gene is regressed on all TFs (but itself) by stochastic
gradient boosting: squared error, shrinkage, trees of depth 3, TFs sampled anew at every split, cells sampled anew for
every tree. Boosting stops when the mean out-of-bag improvement of the last 25 trees is negative, the improvement
being that of one tree on its out-of-bag cells (as in scikit-learn up to 1.2.2, with which arboreto was published;
later versions compare two different samples).
"""

from __future__ import annotations

import hashlib
import itertools
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import numpy as np

from grnformer.core.methods import method
from grnformer.settings.key import PartFraction, Settings, key

if TYPE_CHECKING:
    import scipy.sparse as sp

    from grnformer.grn.tf_gene.boosting_kernel import SortedTfs

logger = logging.getLogger(__name__)

_BLOCK = 64  # targets handed to a thread at a time


class HistBoosting(Settings):
    """Gradient boosting with GRNBoost2's settings (Moerman et al. 2019, doi 10.1093/bioinformatics/bty916)."""

    learning_rate: float = key(
        0.01, "fraction of each tree's step that is taken", gt=0, le=1
    )
    max_trees: int = key(
        5000,
        "trees a target; boosting nearly always stops long before",
        unit="trees",
        ge=1,
        le=100000,
    )
    max_features: float = key(
        0.1, "fraction of the TFs sampled at each split", gt=0, le=1
    )
    subsample: PartFraction = key(
        0.9, "fraction of the cells sampled for each tree; the others say when to stop"
    )
    max_bins: int = key(
        64, "distinct non-zero values of a TF", unit="bins", ge=2, le=100000
    )
    importance: Literal["trees", "share", "gain"] = key(
        "trees",
        "a target's importances sum to its number of trees (arboreto); share: to 1; gain: each is the fraction of the "
        "target's sum of squares that the TF's splits remove",
    )


@method("hist_boosting", settings=HistBoosting)
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
        Names of the columns; a target's random stream depends only on `seed` and its name.
    tf_columns, target_columns
        Column numbers of the TFs and of the targets.
    learning_rate, max_trees, max_features, subsample
        Shrinkage; most trees a target; fraction of TFs sampled at a split; fraction of cells sampled for a tree.
    max_bins
        Most distinct non-zero values of a TF; above it, equally filled bins.
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
    import pandas as pd

    from grnformer.grn.tf_gene.boosting_kernel import Boosting, boost_targets

    n_targets = len(target_columns)
    settings = Boosting(
        float(learning_rate), int(max_trees), float(max_features), float(subsample)
    )

    tfs = sort_entries(expression[:, tf_columns], max_bins)
    targets = expression[:, target_columns].tocsc()
    target_start = targets.indptr.astype(np.int64)
    target_cell = targets.indices.astype(np.int32, copy=False)
    target_value = targets.data.astype(np.float64, copy=False)
    # -1 where the target is no TF
    own_tf = pd.Index(tf_columns).get_indexer(target_columns)

    states = np.array(
        [_stream(seed, genes[column]) for column in target_columns], dtype=np.uint64
    )
    gains = np.zeros((n_targets, len(tf_columns)))
    n_trees = np.zeros(n_targets, dtype=np.int64)

    # Slices of arrays are views: each block writes its own rows of the results.
    def boost(start: int) -> None:
        block = slice(start, start + _BLOCK)
        boost_targets(
            tfs,
            target_start[start : start + _BLOCK + 1],
            target_cell,
            target_value,
            own_tf[block],
            states[block],
            expression.shape[0],
            settings,
            gains[block],
            n_trees[block],
        )

    with ThreadPoolExecutor(threads) as pool:
        # the list raises what a thread has raised
        list(pool.map(boost, range(0, n_targets, _BLOCK)))

    fitted = n_trees > 0
    median = np.median(n_trees[fitted]) if fitted.any() else 0
    at_limit, constant = (n_trees == max_trees).sum(), (~fitted).sum()
    logger.info(
        "%d targets on %d TFs: %.0f trees a target (median)",
        n_targets,
        len(tf_columns),
        median,
    )
    logger.info(
        "%d targets at the limit of %d trees, %d constant",
        at_limit,
        max_trees,
        constant,
    )
    return scale(gains, n_trees, importance)


def scale(gains: np.ndarray, n_trees: np.ndarray, importance: str) -> np.ndarray:
    """Scale summed gains (targets x TFs) by the kind of `importance` asked for; see `infer`."""
    if importance == "gain":
        return gains.astype(np.float32)

    total = gains.sum(axis=1, keepdims=True)
    fraction = np.divide(gains, total, out=np.zeros_like(gains), where=total > 0)
    if importance == "trees":
        fraction *= n_trees[:, None]
    return fraction.astype(np.float32)


def sort_entries(tfs: sp.csc_matrix, max_bins: int) -> SortedTfs:
    """Sort each TF's non-zero cells by falling value, in at most `max_bins` bins of equal (or like) values."""
    from grnformer.grn.tf_gene.boosting_kernel import SortedTfs

    tfs = tfs.tocsc(copy=True)
    tfs.eliminate_zeros()
    tfs.sort_indices()

    start = tfs.indptr.astype(np.int64)
    # unsigned: spares the kernel the check for negative indices
    cell = tfs.indices.astype(np.uint32)
    n_bins, stops, values = [0], [], []
    for low, high in itertools.pairwise(start):
        # Stable: the order of cells of equal values is fixed.
        order = low + np.argsort(-tfs.data[low:high], kind="stable")
        cell[low:high] = cell[order]
        value = tfs.data[order]

        is_last = np.append(value[1:] != value[:-1], True)
        # of the entries of equal value; none if the TF has no entry
        last = np.flatnonzero(is_last[: high - low])
        if last.size > max_bins:
            # Bins of about as many entries each; a run of equal values is never cut.
            quantiles = np.linspace(0, high - low, max_bins + 1)[1:] - 1
            last = np.unique(last[np.searchsorted(last, quantiles)])

        n_bins.append(last.size)
        stops.append(low + last + 1)
        values.append(value[last])
    return SortedTfs(
        start,
        cell,
        np.cumsum(n_bins),
        np.concatenate(stops),
        np.concatenate(values).astype(np.float32, copy=False),
    )


def _stream(seed: int, gene: str) -> int:
    """Seed of a target's random stream: by name, so that neither order nor division of targets matters."""
    digest = hashlib.blake2b(f"{seed}:{gene}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
