"""The plain control of every boosted network: absolute Spearman correlation of TF and gene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.methods import method
from grnformer.grn.tf_gene.spearman import correlate

if TYPE_CHECKING:
    import scipy.sparse as sp


@method("coexpression")
def infer(
    expression: sp.csc_matrix,
    genes: list[str],
    tf_columns: np.ndarray,
    target_columns: np.ndarray,
    *,
    seed: int,
    threads: int,
) -> np.ndarray:
    """Return absolute Spearman correlations, targets x TFs, float32; 0 for a TF with itself.

    `genes`, `seed` and `threads` are not used: all methods have one signature.
    """
    rho = np.abs(correlate(expression[:, target_columns], expression[:, tf_columns]))
    rho[np.equal.outer(target_columns, tf_columns)] = 0
    return rho
