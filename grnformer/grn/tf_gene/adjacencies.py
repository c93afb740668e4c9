"""Importances that an original tool has inferred; the program is workflow/originals/run_arboreto.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp


def take_importance(
    expression: sp.csc_matrix,
    genes: list[str],
    tf_columns: np.ndarray,
    target_columns: np.ndarray,
    *,
    adjacencies: pd.DataFrame,
    seed: int,
    threads: int,
) -> np.ndarray:
    """Return the importances of `adjacencies` (contract of that name), targets x TFs, float32; 0 for pairs it lacks.

    `expression`, `seed` and `threads` are not used: all methods have one signature.

    Raises
    ------
    InputError
        If a pair is not one of the TFs and targets of this run.
    """
    import pandas as pd

    names = pd.Index(genes)
    column = names[tf_columns].get_indexer(adjacencies["tf"])
    row = names[target_columns].get_indexer(adjacencies["gene"])

    strange = adjacencies[(column < 0) | (row < 0)]
    if len(strange):
        pair = strange.iloc[0]
        raise InputError(
            f"{len(strange)} of {len(adjacencies)} pairs are not of this run's TFs and genes, first {pair['tf']} to "
            f"{pair['gene']}",
            "importances inferred from this very multiome and TF list",
            "run the original again",
        )

    importance = np.zeros((len(target_columns), len(tf_columns)), dtype=np.float32)
    importance[row, column] = adjacencies["importance"]
    return importance
