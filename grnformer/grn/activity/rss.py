"""Regulon specificity score: how much an eRegulon's activity is confined to one cell type (Suo et al. 2018).

doi 10.1016/j.celrep.2018.10.045.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import anndata
    import pandas as pd


def score_specificity(activity: anndata.AnnData) -> pd.DataFrame:
    """Return eregulon, cell_type, rss for every pair; `activity` holds AUCs and obs `cell_type`."""
    import pandas as pd

    cell_types = activity.obs["cell_type"].astype(str).to_numpy()
    names = sorted(set(cell_types))
    scores = specificity(activity.X, cell_types, names)

    # A row a pair: all types of the first eRegulon, then those of the next.
    return pd.DataFrame(
        {
            "eregulon": np.repeat(
                activity.var_names.to_numpy(dtype=object), len(names)
            ),
            "cell_type": np.tile(np.array(names, dtype=object), activity.n_vars),
            "rss": scores.T.ravel(),
        }
    )


def specificity(
    auc: np.ndarray, cell_types: np.ndarray, names: list[str]
) -> np.ndarray:
    """Return the regulon specificity scores, cell types x eRegulons.

    1 less the Jensen-Shannon distance (natural logarithm) between an eRegulon's fraction of activity in each cell and
    the uniform distribution over the type's cells: 1 where the two are the same, 1 - sqrt(ln 2) = .167 where no active
    cell is of the type. 0 for an eRegulon without any activity.

    Parameters
    ----------
    auc
        Cells x eRegulons, not negative.
    cell_types
        Type of each cell.
    names
        The types asked for.
    """
    from scipy.spatial.distance import jensenshannon

    scores = np.zeros((len(names), auc.shape[1]))
    # Without any activity there is no distribution over cells: these stay 0.
    seen = auc.sum(axis=0) > 0
    # P is the eRegulon's AUCs, Q the type's indicator: scipy scales both to sum 1.
    p = auc[:, seen].astype(np.float64)
    for row, name in enumerate(names):
        q = (cell_types == name).astype(np.float64)[:, None]
        scores[row, seen] = 1 - jensenshannon(p, q, axis=0)
    return scores
