"""Reference mapping: cells without chromatin data take the graph of their nearest pretraining cell."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

LOGGER = logging.getLogger("grnformer.train")


def dimensions(table: pd.DataFrame) -> list[str]:
    """The embedding's columns of a table, dim_0 first."""
    return [column for column in table.columns if column.startswith("dim_")]


def map_to_reference(query: np.ndarray, reference: pd.DataFrame) -> pd.DataFrame:
    """Nearest reference cell of each row in the backbone's embedding without a graph.

    Distances are Euclidean after each dimension is scaled to the reference's deviation.

    Parameters
    ----------
    query
        (rows, dimensions).
    reference
        Contract reference_embedding.

    Returns
    -------
    cell, cell_type, distance, usual_distance (95th percentile of the distances among reference cells themselves): one
    row a row of `query`. A distance beyond the usual one means that no pretraining cell is like it.
    """
    from sklearn.neighbors import NearestNeighbors

    points = reference[dimensions(reference)].to_numpy(np.float64)
    scale = np.maximum(points.std(0), 1e-9)
    index = NearestNeighbors(n_neighbors=min(2, len(points))).fit(points / scale)
    usual = float(np.quantile(index.kneighbors(points / scale)[0][:, -1], 0.95))
    distance, nearest = index.kneighbors(query / scale, n_neighbors=1)
    far = float(np.mean(distance[:, 0] > usual))
    if far > 0.5:
        LOGGER.warning("%.0f%% of the rows are farther from any pretraining cell than those from each other", 100 * far)
    return pd.DataFrame(
        {
            "cell": reference["cell"].to_numpy(object)[nearest[:, 0]],
            "cell_type": reference["cell_type"].to_numpy(object)[nearest[:, 0]],
            "distance": distance[:, 0],
            "usual_distance": usual,
        }
    )
