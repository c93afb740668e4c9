"""AUCell by the kernel of this package: see `grnformer.grn.activity.recovery`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.methods import method
from grnformer.grn.activity.recovery import choose_rank_cutoff, score_cells

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp


@method("aucell")
def score(
    expression: sp.csr_matrix,
    gene_sets: sp.csc_matrix,
    names: Sequence[str],
    cells: Sequence[str],
    fitted: np.ndarray,
    *,
    scored: pd.DataFrame | None,
    auc_threshold: float,
    detected_quantile: float,
) -> tuple[np.ndarray, int]:
    """Return the AUC of each set in each cell, float32, and the rank cut-off of the `fitted` cells (mask).

    See `choose_rank_cutoff`. `names`, `cells` and `scored` are not used: all methods have one signature.
    """
    detected = expression.getnnz(axis=1)[fitted]
    cutoff = choose_rank_cutoff(
        detected, expression.shape[1], auc_threshold, detected_quantile
    )
    return score_cells(expression, gene_sets, cutoff), cutoff
