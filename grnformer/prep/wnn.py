"""Weighted nearest neighbours of cells in several modalities (Hao et al. 2021, doi 10.1016/j.cell.2021.04.048).

muon has the method too, but compiles for more than a minute in every process before its first neighbour (numba,
not cached, 2 cores). The nearest cells of a modality are found by scikit-learn, which compares all pairs: up to some
hundred thousand cells that is faster than descent on a graph (Dong et al. 2011, doi 10.1145/1963405.1963487;
pynndescent), which serves for more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from grnformer.prep.wnn_kernel import bandwidths, join

_EPSILON = 1e-4  # keeps the ratio of affinities finite, as in Seurat
_MAX_RATIO = 200  # its exponential is still finite
_MIN_WIDTH = 1e-6


class _Modality(NamedTuple):
    """Cells of one modality and the kernel that turns their distances into affinities."""

    space: np.ndarray  # n_cells x dimensions, rows of unit length
    nearest: np.ndarray  # n_cells x n_candidates, nearest first
    first: np.ndarray  # (n_cells,), distance to the nearest
    width: np.ndarray  # (n_cells,), kernel width

    def affinity(self, distances: np.ndarray) -> np.ndarray:
        """Affinity of each cell, 0 to 1, at a distance; the nearest neighbour has 1."""
        return np.exp(-np.maximum(distances - self.first, 0) / self.width)


def weigh_neighbors(
    embeddings: list[np.ndarray],
    *,
    n_neighbors: int,
    n_bandwidth: int = 20,
    n_candidates: int = 200,
    max_exact_cells: int | None,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joint nearest neighbours, and the weight of each modality for each cell.

    Parameters
    ----------
    embeddings
        One array a modality, n_cells x any number of dimensions; the same cells in the same order.
    n_neighbors
        Neighbours of a cell, within each modality and jointly.
    n_bandwidth
        Cells that set a cell's kernel width: those whose neighbours overlap least with the cell's.
    n_candidates
        Nearest cells of each modality, among which joint neighbours are searched.
    max_exact_cells
        Of more cells than that, the nearest of each modality are approximate; None: always exact.
    seed
        Of the approximate search.

    Returns
    -------
    indices, distances
        n_cells x n_neighbors, nearest first, without the cell itself; distance sqrt((1 - affinity) / 2), 0 to 0.71.
    weights
        n_cells x n_modalities, rows sum to 1.
    """
    n_others = len(embeddings[0]) - 1
    n_neighbors = min(n_neighbors, n_others)
    n_candidates = min(max(n_candidates, n_neighbors), n_others)

    exact = max_exact_cells is None or n_others + 1 <= max_exact_cells
    modalities = [
        _find_kernel(each, n_neighbors, n_candidates, n_bandwidth, None if exact else seed)
        for each in embeddings
    ]  # fmt: skip
    weights = _weigh_modalities(modalities, n_neighbors)

    indices, affinity = join(
        np.hstack([modality.space for modality in modalities]),
        np.cumsum([0, *(modality.space.shape[1] for modality in modalities)]),
        np.hstack([modality.nearest for modality in modalities]),
        np.stack([modality.first for modality in modalities], axis=1),
        np.stack([modality.width for modality in modalities], axis=1),
        weights,
        n_neighbors,
    )
    # Rounding may lift a sum of weighted affinities above 1.
    return indices, np.sqrt((1 - np.minimum(affinity, 1)) / 2), weights


def _find_kernel(
    embedding: np.ndarray,
    n_neighbors: int,
    n_candidates: int,
    n_bandwidth: int,
    seed: int | None,
) -> _Modality:
    # Unit length, as by default in Seurat: distances are those of directions.
    vectors = np.asarray(embedding, dtype=np.float32)
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    space = vectors / np.where(norm > 0, norm, 1)

    if seed is None:
        distances, nearest = _search(space, n_candidates)
    else:
        distances, nearest = _descend(space, n_candidates, seed)
    first = distances[:, 0]
    width = _bandwidths(space, nearest[:, :n_neighbors], n_bandwidth) - first
    return _Modality(space, nearest, first, np.maximum(width, _MIN_WIDTH))


def _search(space: np.ndarray, n_nearest: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and numbers of the nearest others of each cell, exact, each n_cells x n_nearest."""
    from sklearn.neighbors import NearestNeighbors

    # Without an argument, kneighbors leaves out the cell itself.
    search = NearestNeighbors(n_neighbors=n_nearest, algorithm="brute").fit(space)
    distances, nearest = search.kneighbors()
    return distances, nearest


def _descend(
    space: np.ndarray, n_nearest: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """As `_search`, approximate; one thread, so that the seed alone decides."""
    from pynndescent import NNDescent

    # One more: a cell is found as its own nearest.
    index = NNDescent(space, n_neighbors=n_nearest + 1, random_state=seed, n_jobs=1)
    found, away = index.neighbor_graph
    itself = np.arange(len(space))[:, None]

    # The cell itself goes last, and with it places that the search left empty (-1).
    off = (found == itself) | (found < 0)
    order = np.argsort(off, axis=1, kind="stable")[:, :n_nearest]
    nearest = np.take_along_axis(found, order, axis=1)
    distances = np.take_along_axis(away, order, axis=1)

    short = np.flatnonzero((off.sum(axis=1) > 1) | (nearest == itself).any(axis=1))
    for cell in short:
        to_all = np.linalg.norm(space - space[cell], axis=1)
        to_all[cell] = np.inf
        nearest[cell] = np.argsort(to_all, kind="stable")[:n_nearest]
        distances[cell] = to_all[nearest[cell]]
    return distances, nearest


def _weigh_modalities(modalities: list[_Modality], n_neighbors: int) -> np.ndarray:
    """Weights of the modalities, n_cells x n_modalities, by how well neighbours predict a cell's position."""
    if len(modalities) == 1:
        return np.ones((len(modalities[0].space), 1))

    neighbors = [modality.nearest[:, :n_neighbors] for modality in modalities]
    ratios = []
    for number, modality in enumerate(modalities):
        # Neighbours from this modality should predict its space better than those from the others do.
        affinity = np.array(
            [modality.affinity(_gap(modality.space, each)) for each in neighbors]
        )
        across = np.delete(affinity, number, axis=0).max(axis=0)
        ratios.append(affinity[number] / (across + _EPSILON))

    clipped = np.clip(np.stack(ratios, axis=1), 0, _MAX_RATIO)
    # The softmax is unchanged by a shift, and exponentials of numbers up to 0 do not overflow.
    odds = np.exp(clipped - clipped.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _gap(space: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Distance of each cell from the mean of its neighbours."""
    # One neighbour at a time: the array of all neighbours' vectors is n_neighbors times as large as the space.
    total = np.zeros_like(space)
    for column in neighbors.T:
        total += space[column]
    return np.linalg.norm(space - total / neighbors.shape[1], axis=1)


def _bandwidths(
    space: np.ndarray, neighbors: np.ndarray, n_bandwidth: int
) -> np.ndarray:
    """Mean distance to the cells of lowest Jaccard similarity above 0 of neighbour sets; the farthest where tied."""
    n_cells, n_neighbors = neighbors.shape
    members = np.c_[np.arange(n_cells), neighbors]

    # The other way round: in whose sets each cell is.
    order = np.argsort(members.ravel(), kind="stable")
    bounds = np.searchsorted(members.ravel()[order], np.arange(n_cells + 1))
    return bandwidths(space, members, order // (n_neighbors + 1), bounds, n_bandwidth)
