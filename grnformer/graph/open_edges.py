"""The edges that are open in each cell of a batch: the cells' graphs as one list, by one compiled pass.

Shapes: B cells, K eRegulons, N genes, G groups of cells that share one edge list, P places (a gene of a cell).
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def find_open_edges(
    first_GN: np.ndarray,
    group_B: np.ndarray,
    source: np.ndarray,
    gate: np.ndarray,
    active_KB: np.ndarray,
    gene_P: np.ndarray,
    cell_P: np.ndarray,
    row_BN: np.ndarray,
    n_rows: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Edges into the places that are open in their cells, and the rows of what they come from.

    Parameters
    ----------
    first_GN
        Edges sorted by group and target: those of group g into gene n are first[g, n] up to first[g, n + 1].
    group_B
        The group of each cell.
    source, gate
        Of the edges: the gene that sends, the eRegulon that opens the edge, or -1 where it is always open.
    active_KB
        Activity of eRegulons; an edge is open where it is not 0.
    row_BN
        Row of each gene of each cell, -1 where it has none; is filled where an edge comes from one without.
    n_rows
        Rows given so far.

    Returns
    -------
    Place, number and row of the source of each open edge, by place and edge; gene and cell of the rows that were added.
    """
    size = 0
    for p in range(len(gene_P)):
        group, cell = group_B[cell_P[p]], cell_P[p]
        for edge in range(first_GN[group, gene_P[p]], first_GN[group, gene_P[p] + 1]):
            size += gate[edge] < 0 or active_KB[gate[edge], cell] != 0
    place, number, row = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    gene, cell_of = np.empty(size, np.int64), np.empty(size, np.int64)
    size = added = 0
    for p in range(len(gene_P)):
        group, cell = group_B[cell_P[p]], cell_P[p]
        for edge in range(first_GN[group, gene_P[p]], first_GN[group, gene_P[p] + 1]):
            if gate[edge] < 0 or active_KB[gate[edge], cell] != 0:
                if row_BN[cell, source[edge]] < 0:
                    row_BN[cell, source[edge]] = n_rows + added
                    gene[added], cell_of[added] = source[edge], cell
                    added += 1
                place[size], number[size], row[size] = p, edge, row_BN[cell, source[edge]]
                size += 1
    return place, number, row, gene[:added].copy(), cell_of[:added].copy()


@njit(cache=True, nogil=True)
def sum_open_weights(
    first_GN: np.ndarray,
    group_B: np.ndarray,
    weight: np.ndarray,
    gate: np.ndarray,
    active_KB: np.ndarray,
    gene_P: np.ndarray,
    cell_P: np.ndarray,
) -> np.ndarray:
    """Sum of the sizes of the weights of the open edges into each place, (P,); arguments as of `find_open_edges`."""
    total = np.zeros(len(gene_P), np.float32)
    for p in range(len(gene_P)):
        group, cell = group_B[cell_P[p]], cell_P[p]
        for edge in range(first_GN[group, gene_P[p]], first_GN[group, gene_P[p] + 1]):
            if gate[edge] < 0:
                total[p] += abs(weight[edge])
            else:
                total[p] += abs(weight[edge]) * active_KB[gate[edge], cell]
    return total
