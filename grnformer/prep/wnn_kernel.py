"""The two passes over pairs of cells of `grnformer.prep.wnn`, compiled: a cell has hundreds of pairs.

Shapes: C cells, M members of a cell's neighbour set, itself first, R modalities, N candidates of a cell.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def bandwidths(
    space: np.ndarray,
    members: np.ndarray,
    owners: np.ndarray,
    bounds: np.ndarray,
    n_bandwidth: int,
) -> np.ndarray:
    """Mean distance to the cells of lowest Jaccard similarity above 0 of neighbour sets; the farthest where tied.

    Parameters
    ----------
    space
        (C, dimensions), float32.
    members
        (C, M), cells of each cell's set.
    owners, bounds
        Cells in whose set cell c is: ``owners[bounds[c] : bounds[c + 1]]``.
    n_bandwidth
        Cells of lowest similarity, at most.

    Returns
    -------
    (C,), 0 where no set of another cell has a common member.
    """
    n_cells, n_members = members.shape
    width = np.zeros(n_cells)
    common = np.zeros(n_cells, np.int64)  # members in common with the cell's set
    met = np.empty(n_cells, np.int64)
    number = np.zeros(n_members + 1, np.int64)
    farthest, held = np.empty(n_bandwidth), np.empty(n_bandwidth, np.int64)

    for cell in range(n_cells):
        n_met = 0
        for member in members[cell]:
            for other in owners[bounds[member] : bounds[member + 1]]:
                if other == cell:
                    continue
                if common[other] == 0:
                    met[n_met] = other
                    n_met += 1
                common[other] += 1

        # sets are of one size: the Jaccard index orders as the number of common members does
        number[:] = 0
        for other in met[:n_met]:
            number[common[other]] += 1
        last, below = 1, 0  # the highest number that is taken, and how many have less
        while last < n_members and below + number[last] < n_bandwidth:
            below += number[last]
            last += 1

        total, n_tied = 0.0, 0
        for other in met[:n_met]:
            if common[other] <= last:
                away = _distance(space, cell, other)
                if common[other] < last:
                    total += away
                else:
                    n_tied = _keep(
                        farthest, held, n_tied, away, other, n_bandwidth - below
                    )
            common[other] = 0
        n_taken = below + n_tied
        for place in range(n_tied):
            total += farthest[place]
        if n_taken:
            width[cell] = total / n_taken
    return width


@njit(cache=True, nogil=True)
def join(
    space: np.ndarray,
    bounds: np.ndarray,
    nearest: np.ndarray,
    first: np.ndarray,
    width: np.ndarray,
    weights: np.ndarray,
    n_neighbors: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates of highest affinity, summed over the modalities by the cell's weights; by number where tied.

    Parameters
    ----------
    space, bounds
        (C, dimensions of all), float32; modality r has the columns from ``bounds[r]`` to ``bounds[r + 1]``.
    nearest
        (C, N), candidates; with repeats, of each cell at least `n_neighbors` others.
    first, width, weights
        (C, R), distance to the nearest, kernel width, weight.

    Returns
    -------
    Neighbours and affinities, (C, n_neighbors), the highest affinity first.
    """
    n_cells, n_modalities = first.shape
    joint = np.empty((n_cells, n_neighbors), np.int64)
    high = np.empty((n_cells, n_neighbors))
    last_of = np.full(n_cells, -1)  # the last cell that had a cell among its candidates

    for cell in range(n_cells):
        n_held = 0
        for other in nearest[cell]:
            if last_of[other] == cell:
                continue
            last_of[other] = cell
            affinity = 0.0
            for modality in range(n_modalities):
                part = space[:, bounds[modality] : bounds[modality + 1]]
                beyond = _distance(part, cell, other) - first[cell, modality]
                affinity += weights[cell, modality] * np.exp(
                    -max(beyond, 0.0) / width[cell, modality]
                )
            n_held = _keep(
                high[cell], joint[cell], n_held, affinity, other, n_neighbors
            )
    return joint, high


@njit(cache=True, nogil=True)
def _keep(
    values: np.ndarray,
    cells: np.ndarray,
    n_held: int,
    value: float,
    cell: int,
    most: int,
) -> int:
    """Put a cell at its place among those of highest value, the highest first, by number where tied; how many they are.

    `values` and `cells` hold `n_held` of them, and at the end `most` or fewer.
    """
    if n_held < most:
        place = n_held
        n_held += 1
    else:
        place = most - 1
        if not _goes_before(value, cell, values[place], cells[place]):
            return n_held
    while place and _goes_before(value, cell, values[place - 1], cells[place - 1]):
        values[place], cells[place] = values[place - 1], cells[place - 1]
        place -= 1
    values[place], cells[place] = value, cell
    return n_held


@njit(cache=True, nogil=True)
def _goes_before(value: float, cell: int, other: float, other_cell: int) -> bool:
    return value > other or (value == other and cell < other_cell)


@njit(cache=True, nogil=True)
def _distance(space: np.ndarray, one: int, other: int) -> float:
    total = np.float32(0)
    for dimension in range(space.shape[1]):
        gap = space[one, dimension] - space[other, dimension]
        total += gap * gap
    return np.sqrt(total)
