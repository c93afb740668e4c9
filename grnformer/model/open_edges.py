"""The edges that are open in each cell of a batch: the cells' graphs as one list, by one compiled pass."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def find_open_edges(
    first: np.ndarray, gate: np.ndarray, active_KB: np.ndarray, genes_CL: np.ndarray, columns_C: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Edges into the tokens of each cell that are open in it.

    Parameters
    ----------
    first
        Edges sorted by target: those into gene g are first[g] up to first[g + 1].
    gate
        The eRegulon that opens each edge, or -1 where it is always open.
    active_KB
        Activity of eRegulons (K) in the cells of the batch (B); an edge is open where it is not 0.
    genes_CL
        Tokens of some of the cells: gene of each.
    columns_C
        Which of the B these cells are.

    Returns
    -------
    Slot (cell of the batch times L, plus token) and number of each open edge, by cell, token and edge.
    """
    n_tokens = genes_CL.shape[1]
    size = 0
    for c in range(genes_CL.shape[0]):
        for token in range(n_tokens):
            for edge in range(first[genes_CL[c, token]], first[genes_CL[c, token] + 1]):
                size += gate[edge] < 0 or active_KB[gate[edge], columns_C[c]] != 0
    slot, number = np.empty(size, np.int64), np.empty(size, np.int64)
    size = 0
    for c in range(genes_CL.shape[0]):
        for token in range(n_tokens):
            for edge in range(first[genes_CL[c, token]], first[genes_CL[c, token] + 1]):
                if gate[edge] < 0 or active_KB[gate[edge], columns_C[c]] != 0:
                    slot[size], number[size] = columns_C[c] * n_tokens + token, edge
                    size += 1
    return slot, number
