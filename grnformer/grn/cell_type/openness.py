"""How open each region is in each cell type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import scipy.sparse as sp


def count_cells(
    matrix: sp.csr_matrix, cell_type: np.ndarray, types: list[str]
) -> np.ndarray:
    """Cells with a non-zero value, types x features (int64)."""
    return np.vstack(
        [matrix[cell_type == name].getnnz(axis=0) for name in types]
    ).astype(np.int64)


def measure_openness(
    method: str,
    open_cells: np.ndarray,
    cell_topic: np.ndarray,
    region_topic: np.ndarray,
    cell_type: np.ndarray,
    types: list[str],
) -> np.ndarray:
    """Openness of each region in each type, relative to the mean over regions, so that depth does not matter.

    Parameters
    ----------
    method
        ``topics``: probability of the region in the type's mean cell under the topic model.
        ``observed``: cells of the type with a count in the region.
    open_cells
        types x regions, cells with a count.
    cell_topic, region_topic
        cells x topics, regions x topics.

    Returns
    -------
    types x regions, mean 1 in each row.
    """
    # RNA alone
    if not open_cells.shape[1]:
        return open_cells.astype(float)

    if method == "topics":
        # P(region | cell) is linear in a cell's topics: the mean cell gives the mean
        # over cells, and cells x regions is never made.
        mean_cells = [cell_topic[cell_type == name].mean(axis=0) for name in types]
        raw = np.vstack([region_topic @ mean_cell for mean_cell in mean_cells])
    elif method == "observed":
        raw = open_cells.astype(float)
    else:
        raise InputError(
            f"grn.cell_type.openness is {method!r}",
            "topics or observed",
            "correct the config",
        )
    # A type without any open region has the mean 0, and stays 0.
    return raw / np.maximum(raw.mean(axis=1, keepdims=True), np.finfo(float).tiny)
