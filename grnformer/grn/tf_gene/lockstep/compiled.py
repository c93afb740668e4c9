"""The compiled kernels, from numba's cache where they have been compiled before, and the choice between them."""

from __future__ import annotations

import functools
import logging
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numba.extending import is_jitted

from grnformer.grn.tf_gene.lockstep.arrays import new_groups, new_work
from grnformer.grn.tf_gene.lockstep.draws import mix
from grnformer.grn.tf_gene.lockstep.entries import SortedTfs, sort_entries
from grnformer.grn.tf_gene.lockstep.settings import Boosting, Targets

logger = logging.getLogger(__name__)


def boost(
    tfs: SortedTfs, targets: Targets, settings: Boosting, *, vectors: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Boost each target on all TFs but itself.

    Parameters
    ----------
    vectors
        32 targets at a time by `blocks`; else one after another by `plain`, with the same result.

    Returns
    -------
    tuple of numpy.ndarray
        Summed gains as fractions of the target's sum of squares (targets x TFs, float64), and the number of trees
        (targets, int64); both 0 for a constant target.
    """
    n_targets, n_tf = targets.own_tf.size, tfs.bin_start.size - 1
    gains, n_trees = np.zeros((n_targets, n_tf)), np.zeros(n_targets, np.int64)
    if not tfs.cell.size:
        return gains, n_trees
    if vectors:
        groups, work = new_groups(n_targets, tfs.n_cells, n_tf), new_work(tfs)
        _compiled(True)(tfs, targets, settings, groups, work, gains, n_trees)
    else:
        _compiled(False)(tfs, targets, settings, gains, n_trees)
    return gains, n_trees


@functools.cache
def vectors_compile() -> bool:
    """Whether numba makes vectors here; tried once, on the kernel itself."""
    if not is_jitted(mix):  # NUMBA_DISABLE_JIT
        return False
    try:
        boost(*_smallest(), vectors=True)
    # whatever a numba or LLVM of another version says
    except Exception as error:
        logger.warning(
            "numba cannot compile vectors here (%s: %s): targets are boosted one by one, about 20 times slower, with "
            "the same result",
            type(error).__name__,
            str(error).strip().split("\n")[0],
        )
        return False
    return True


def _smallest() -> tuple[SortedTfs, Targets, Boosting]:
    """Two cells, one TF, one target."""
    tfs = sort_entries(sp.csc_matrix(np.array([[0.0], [1.0]])), 2)
    one = np.ones(1, np.int64)
    targets = Targets(
        np.array([0, 1]), one.astype(np.int32), one.astype(np.float32), -one
    )
    return tfs, targets, Boosting(0.1, 1, 1.0, 0.5, np.uint64(1))


@functools.cache
def _compiled(vectors: bool) -> Callable[..., int]:
    """One of the kernels, keyed by a checksum of all files: of a cached function, numba sees its own file alone."""
    if vectors:
        from grnformer.grn.tf_gene.lockstep.blocks import compile_cached
    else:
        from grnformer.grn.tf_gene.lockstep.plain import compile_cached
    files = sorted(Path(__file__).parent.glob("*.py"))
    return compile_cached(zlib.crc32(b"".join(path.read_bytes() for path in files)))
