"""GRNBoost2's network by an engine of this package: the same boosting, 32 targets in lockstep.

Moerman et al. 2019, doi 10.1093/bioinformatics/bty916. Each gene is regressed on all TFs (but itself) by stochastic
gradient boosting: squared error, shrinkage, trees of depth 3, TFs sampled anew at every split, cells sampled anew for
every tree. Boosting stops when the mean out-of-bag improvement of the last 25 trees is negative, the improvement
being that of one tree on its out-of-bag cells (as in scikit-learn up to 1.2.2, with which arboreto was published;
later versions compare two different samples).

Unlike there, all targets share the draws: a tree's cells follow from the seed and the tree's number, the TFs from these
and the level of the split, and each TF is dealt equally often. A target's importances depend on the seed, the TFs and
its own values alone. `lockstep` says how this becomes fast. A tree costs what the TFs have of non-zero values; the
stop rule allows more trees the more cells there are, up to `max_trees`.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import numpy as np

from grnformer.core.errors import InputError
from grnformer.core.methods import method
from grnformer.settings.key import PartFraction, Settings, key

if TYPE_CHECKING:
    import scipy.sparse as sp

logger = logging.getLogger(__name__)

_BLOCK = 256  # targets handed to a thread at a time; fewer where there are many cells
_BLOCK_BYTES = 2**27


class HistBoosting(Settings):
    """Gradient boosting with GRNBoost2's settings (Moerman et al. 2019, doi 10.1093/bioinformatics/bty916)."""

    learning_rate: float = key(
        0.01, "fraction of each tree's step that is taken", gt=0, le=1
    )
    max_trees: int = key(
        5000,
        "most trees a target; boosting nearly always stops long before, later the more cells there are (about 100 "
        "trees at 10^4 cells, 330 at 5 x 10^4): a lower bound caps the time",
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
        64, "distinct non-zero values of a TF", unit="bins", ge=2, le=255
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
        Names of the columns; not used: all methods have one signature.
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

    from grnformer.grn.tf_gene.lockstep.compiled import boost, vectors_compile
    from grnformer.grn.tf_gene.lockstep.entries import sort_entries
    from grnformer.grn.tf_gene.lockstep.settings import MAX_CELLS, Boosting, Targets

    n_cells, n_targets = expression.shape[0], len(target_columns)
    if n_cells > MAX_CELLS:
        raise InputError(
            f"{n_cells:,} cells",
            f"at most {MAX_CELLS:,} for hist_boosting, whose counts would not be exact",
            "infer the network from fewer cells",
        )
    settings = Boosting(
        float(learning_rate),
        int(max_trees),
        float(max_features),
        float(subsample),
        np.uint64(seed),
    )
    tfs = sort_entries(expression[:, tf_columns], max_bins)
    targets = expression[:, target_columns].tocsc()
    targets.eliminate_zeros()
    targets.sort_indices()
    start = targets.indptr.astype(np.int64)
    cell = targets.indices.astype(np.int32, copy=False)
    value = targets.data.astype(np.float32, copy=False)
    # -1 where the target is no TF
    own_tf = pd.Index(tf_columns).get_indexer(target_columns).astype(np.int64)
    vectors = vectors_compile()

    def boost_block(first: int) -> tuple[np.ndarray, np.ndarray]:
        last = min(first + block, n_targets)
        some = Targets(start[first : last + 1], cell, value, own_tf[first:last])
        return boost(tfs, some, settings, vectors=vectors)

    block = _targets_at_a_time(n_targets, n_cells, threads)
    with ThreadPoolExecutor(threads) as pool:
        # the list raises what a thread has raised
        blocks = list(pool.map(boost_block, range(0, n_targets, block)))
    gains = np.concatenate([part for part, _ in blocks])
    n_trees = np.concatenate([part for _, part in blocks])

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


def _targets_at_a_time(n_targets: int, n_cells: int, threads: int) -> int:
    """Targets a block: whole groups of lanes, within memory (6 bytes a cell and target), some for every thread."""
    from grnformer.grn.tf_gene.lockstep.arrays import LANES

    by_memory = _BLOCK_BYTES // (6 * n_cells)
    by_threads = -(-n_targets // threads)
    groups = -(-min(_BLOCK, by_memory, by_threads) // LANES)
    return LANES * max(1, groups)
