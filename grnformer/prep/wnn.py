"""Weighted nearest neighbours of cells in several modalities (Hao et al. 2021, doi 10.1016/j.cell.2021.04.048).

muon has the method too, but compiles for more than a minute in every process before its first neighbour (numba,
not cached, 2 cores); here exact neighbours by scikit-learn and sparse algebra take a second for a thousand cells.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

_CHUNK = 2000  # cells whose pairs are held at a time
_EPSILON = 1e-4  # keeps the ratio of affinities finite, as in Seurat


def weigh_neighbors(
    embeddings: list[np.ndarray], *, n_neighbors: int, n_bandwidth: int = 20, n_candidates: int = 200
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joint nearest neighbours, and how much each modality counts for each cell.

    Parameters
    ----------
    embeddings
        One array a modality, n_cells x any number of dimensions; the same cells in the same order.
    n_neighbors
        Neighbours of a cell, within each modality and jointly.
    n_bandwidth
        Cells that set a cell's kernel width: those that barely share neighbours with it.
    n_candidates
        Nearest cells of each modality among which joint neighbours are looked for.

    Returns
    -------
    indices, distances
        n_cells x n_neighbors, nearest first, the cell itself left out; distance sqrt((1 - affinity) / 2), 0 to 0.71.
    weights
        n_cells x n_modalities, rows sum to 1.
    """
    n_cells = len(embeddings[0])
    n_neighbors, n_candidates = min(n_neighbors, n_cells - 1), min(max(n_candidates, n_neighbors), n_cells - 1)
    spaces = [_unit_rows(np.asarray(e, dtype=np.float32)) for e in embeddings]
    nearest = [_nearest(space, n_candidates) for space in spaces]
    near = [indices[:, :n_neighbors] for indices, _ in nearest]
    first = [distances[:, 0] for _, distances in nearest]
    width = [
        np.maximum(_bandwidths(space, idx, n_bandwidth) - d, 1e-6)
        for space, idx, d in zip(spaces, near, first, strict=True)
    ]
    ratios = np.empty((n_cells, len(spaces)))
    for r, space in enumerate(spaces):
        # How well the neighbours found in each modality predict the cell's place in this one.
        affinity = [np.exp(-np.maximum(_gap(space, idx) - first[r], 0) / width[r]) for idx in near]
        across = np.max([a for s, a in enumerate(affinity) if s != r], axis=0)
        ratios[:, r] = affinity[r] / (across + _EPSILON)
    shifted = np.exp(np.clip(ratios, 0, 200) - np.clip(ratios, 0, 200).max(axis=1, keepdims=True))
    weights = shifted / shifted.sum(axis=1, keepdims=True)

    indices = np.empty((n_cells, n_neighbors), dtype=np.int64)
    distances = np.empty((n_cells, n_neighbors))
    for start in range(0, n_cells, _CHUNK):
        cells = np.arange(start, min(start + _CHUNK, n_cells))
        pairs = np.concatenate([np.repeat(cells, n_candidates) * n_cells + idx[cells].ravel() for idx, _ in nearest])
        rows, columns = np.divmod(np.unique(pairs), n_cells)
        affinity_ij = np.zeros(len(rows))
        for r, space in enumerate(spaces):
            gap = np.maximum(_distance(space, rows, columns) - first[r][rows], 0)
            affinity_ij += weights[rows, r] * np.exp(-gap / width[r][rows])
        chosen = _first_of_each_row(rows, np.lexsort((columns, -affinity_ij, rows)), n_neighbors)
        indices[cells] = columns[chosen].reshape(len(cells), n_neighbors)
        distances[cells] = np.sqrt((1 - np.minimum(affinity_ij[chosen], 1)) / 2).reshape(len(cells), n_neighbors)
    return indices, distances, weights


def _unit_rows(matrix: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(norm > 0, norm, 1)


def _nearest(space: np.ndarray, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact neighbours without the cell itself; indices and distances, n_cells x n_neighbors."""
    from sklearn.neighbors import NearestNeighbors

    distances, indices = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute").fit(space).kneighbors()
    return indices, distances


def _distance(space: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.linalg.norm(space[rows] - space[columns], axis=1)


def _gap(space: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Distance of each cell from the mean of its neighbours."""
    mean = np.zeros_like(space)
    for k in range(neighbors.shape[1]):
        mean += space[neighbors[:, k]]
    return np.linalg.norm(space - mean / neighbors.shape[1], axis=1)


def _bandwidths(space: np.ndarray, neighbors: np.ndarray, n_bandwidth: int) -> np.ndarray:
    """Mean distance to the cells of lowest Jaccard similarity above 0 of neighbour sets; the farthest where tied."""
    n_cells, k = neighbors.shape
    member = sp.csr_matrix(
        (np.ones(neighbors.size + n_cells, np.int32), np.c_[np.arange(n_cells), neighbors].ravel(),
         np.arange(0, (k + 1) * n_cells + 1, k + 1)),
        shape=(n_cells, n_cells),
    )  # fmt: skip
    widths = np.empty(n_cells)
    for start in range(0, n_cells, _CHUNK):
        shared = (member[start : start + _CHUNK] @ member.T).tocoo()
        rows, columns, common = shared.row + start, shared.col, shared.data
        other = rows != columns
        rows, columns, common = rows[other], columns[other], common[other]
        away = _distance(space, rows, columns)
        # Sets are of one size, so the Jaccard index orders as the number of common members does.
        chosen = _first_of_each_row(rows, np.lexsort((-away, common, rows)), n_bandwidth)
        cells = slice(start, min(start + _CHUNK, n_cells))
        total = np.bincount(rows[chosen] - start, weights=away[chosen], minlength=cells.stop - start)
        count = np.bincount(rows[chosen] - start, minlength=cells.stop - start)
        widths[cells] = total / np.maximum(count, 1)
    return widths


def _first_of_each_row(rows: np.ndarray, order: np.ndarray, number: int) -> np.ndarray:
    """The first `number` entries of each row in `order`, which sorts by row first."""
    ordered = rows[order]
    starts = np.r_[0, np.flatnonzero(np.diff(ordered)) + 1]
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    return order[rank < number]
