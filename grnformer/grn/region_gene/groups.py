"""Cells of like topics in groups of equal size, where cells are too many to be taken one by one."""

from __future__ import annotations

import numpy as np


def group_cells(cell_topic: np.ndarray, max_groups: int) -> np.ndarray:
    """Cut the cells into groups of like topics, by halves: each time along the topic that varies most.

    Imputed accessibility depends on a cell's topics alone. Among cells of equal topics, means of expression leave a
    regression as it is; the groups are small enough that their cells are nearly so. k-means into as many groups takes
    cells x groups steps, this cells x log(groups).

    Parameters
    ----------
    cell_topic
        (cells, topics), rows sum to 1.
    max_groups
        Groups are no more than this.

    Returns
    -------
    (cells,), the group of each cell, from 0. Sizes differ by one cell at most.
    """
    n_cells = len(cell_topic)
    size = -(-n_cells // max_groups)
    # Square roots of proportions: their Euclidean distance is Hellinger's distance of distributions.
    places = np.sqrt(cell_topic)

    group = np.empty(n_cells, dtype=np.int64)
    found = 0
    left = [(np.arange(n_cells), n_cells // size)]
    while left:
        cells, n_groups = left.pop()
        if n_groups == 1:
            group[cells] = found
            found += 1
            continue

        of_cells = places[cells]
        along = of_cells[:, of_cells.var(axis=0).argmax()]
        # Stable: which of equal cells go where depends on no processor.
        order = cells[np.argsort(along, kind="stable")]
        # Rounding down keeps every group at the mean size, rounded down or up.
        half = n_groups // 2
        middle = len(cells) * half // n_groups
        left += [(order[middle:], n_groups - half), (order[:middle], half)]
    return group
