"""Tables of cells, and samples of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def mean_by_type(
    matrices: dict[str, Any], names: list[str], cell_types: pd.Series, row: str
) -> pd.DataFrame:
    """Means of the columns of matrices over the cells of each type.

    Parameters
    ----------
    matrices
        (cells, names), sparse or not.

    Returns
    -------
    Columns cell_type, `row` (the name) and one a matrix.
    """
    means = []
    for key, matrix in matrices.items():
        # Few columns: dense is small.
        dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
        wide = pd.DataFrame(dense, columns=names).groupby(cell_types.to_numpy()).mean()
        # From (types, names) to one row a name and type.
        long = wide.T.rename_axis(row).melt(
            var_name="cell_type", value_name=key, ignore_index=False
        )
        means.append(long.set_index("cell_type", append=True))

    return pd.concat(means, axis=1).reset_index()


def sample_rows(n: int, most: int, seed: int) -> np.ndarray:
    """Positions of all rows, or of a seeded sample of `most` in their order."""
    if n <= most:
        return np.arange(n)
    # In their order, so that what is sorted by type stays so.
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
