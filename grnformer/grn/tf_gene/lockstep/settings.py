"""What both kernels take, and the constants of GRNBoost2's trees."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from grnformer.grn.tf_gene.lockstep.draws import DEPTH

WINDOW = 25  # trees in arboreto's early-stopping window
N_LEAVES = 2**DEPTH
FIRST_LEAF = N_LEAVES - 1
NODES = 2 * N_LEAVES - 1
MAX_CELLS = 2**24  # float32 counts them exactly
SCALE = 1 / MAX_CELLS  # a power of two: rounds nothing


class Boosting(NamedTuple):
    """Settings of boosting; see `hist_boosting.infer`. seed is uint64."""

    learning_rate: float
    max_trees: int
    max_features: float
    subsample: float
    seed: np.uint64


class Targets(NamedTuple):
    """Target genes as CSC, cells in their order, without zeros.

    Attributes
    ----------
    start
        First entry of each target, and the number of entries (n_targets + 1, int64).
    cell, value
        Cell and expression of each entry (int32, float32).
    own_tf
        The target's number among the TFs, or -1 (n_targets, int64).
    """

    start: np.ndarray
    cell: np.ndarray
    value: np.ndarray
    own_tf: np.ndarray
