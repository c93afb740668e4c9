"""AUCell: how early a gene set turns up among a cell's genes, ranked by expression (Aibar et al. 2017).

doi 10.1038/nmeth.4463. With the definitions of pySCENIC: the R best genes of a cell have ranks 0 to R - 1, a gene
of the set at rank r adds max(0, R - 1 - r) to the area under the recovery curve, and the area is divided by R times
the size of the set.

Two things differ from pySCENIC, both because sparse cells are mostly ties. Tied genes, zeros above all, are not
put into a random order: each adds what it would on average over all orders, so that the score is the expected one.
And the rank cut-off is lowered to what nearly all cells detect (`choose_rank_cutoff`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.errors import InputError

if TYPE_CHECKING:
    import scipy.sparse as sp

_CHUNK = 5_000_000  # non-zero values ranked at a time


def choose_rank_cutoff(n_detected: np.ndarray, n_genes: int, auc_threshold: float, detected_quantile: float) -> int:
    """Return AUCell's rank cut-off R: a share of all genes, but no more than what the cells detect.

    Parameters
    ----------
    n_detected
        Genes detected in each cell.
    n_genes
        Genes ranked.
    auc_threshold
        Share of the genes, in (0, 1].
    detected_quantile
        The cut-off is at most this quantile of `n_detected`; 1 leaves the bound to the best cell.

    Raises
    ------
    InputError
        If the cut-off would be below 2.
    """
    cutoff = min(round(auc_threshold * n_genes), int(np.quantile(n_detected, detected_quantile)))
    if cutoff < 2:
        raise InputError(
            f"a rank cut-off of {cutoff} ({n_genes} genes; the median cell detects {int(np.median(n_detected))})",
            "at least 2 ranks",
            "filter poor cells in `prep`, or raise grn.cell.auc_threshold or grn.cell.detected_quantile",
        )
    return cutoff


def score_cells(expression: sp.csr_matrix, gene_sets: sp.csc_matrix, rank_cutoff: int) -> np.ndarray:
    """Return the AUC of each gene set in each cell.

    Parameters
    ----------
    expression
        Cells x genes, not negative; only the order within a cell matters.
    gene_sets
        Genes x sets, weights above 0 for members (1 for plain sets).
    rank_cutoff
        R; see `choose_rank_cutoff`.

    Returns
    -------
    numpy.ndarray
        Cells x sets, float32 in [0, 1].

    Raises
    ------
    InputError
        If a set has no gene.
    """
    import scipy.sparse as sp

    weight = np.asarray(gene_sets.sum(axis=0)).ravel()
    if (weight <= 0).any():
        raise InputError(
            f"{(weight <= 0).sum()} of {weight.size} gene sets have no gene in the data",
            "sets of measured genes",
            "use gene sets with the gene names of the data",
        )
    expression = sp.csr_matrix(expression, dtype=np.float64, copy=True)
    expression.eliminate_zeros()
    gene_sets = sp.csr_matrix(gene_sets, dtype=np.float64)
    auc = np.empty((expression.shape[0], weight.size), dtype=np.float32)
    rows_a_chunk = max(1, int(_CHUNK / max(1, expression.nnz / expression.shape[0])))
    for start in range(0, expression.shape[0], rows_a_chunk):
        above_zeros, zero_part = _expected_parts(expression[start : start + rows_a_chunk], rank_cutoff)
        area = (above_zeros @ gene_sets).toarray() + np.outer(zero_part, weight)
        auc[start : start + rows_a_chunk] = area / (rank_cutoff * weight)
    return np.clip(auc, 0, 1)


def _expected_parts(expression: sp.csr_matrix, rank_cutoff: int) -> tuple[sp.csr_matrix, np.ndarray]:
    """What each gene adds to the area, averaged over the orders of ties: detected genes less zeros; zeros."""
    n_cells, n_genes = expression.shape
    n_detected = np.diff(expression.indptr)
    cell = np.repeat(np.arange(n_cells), n_detected)
    order = np.lexsort((-expression.data, cell))
    value = expression.data[order]
    first = np.ones(value.size, dtype=bool)
    first[1:] = (value[1:] != value[:-1]) | (cell[1:] != cell[:-1])
    begin = np.flatnonzero(first)
    size = np.diff(np.append(begin, value.size))
    rank = begin - expression.indptr[cell[begin]]
    part = (_area_before(rank + size, rank_cutoff) - _area_before(rank, rank_cutoff)) / size

    n_zeros = n_genes - n_detected
    zero_area = _area_before(np.full(n_cells, n_genes), rank_cutoff) - _area_before(n_detected, rank_cutoff)
    zero_part = np.divide(zero_area, n_zeros, out=np.zeros(n_cells), where=n_zeros > 0)

    parts = expression.copy()
    parts.data[order] = np.repeat(part, size)
    parts.data -= zero_part[cell]
    return parts, zero_part


def _area_before(rank: np.ndarray, rank_cutoff: int) -> np.ndarray:
    """Sum of max(0, rank_cutoff - 1 - r) over all ranks r below `rank`."""
    counted = np.minimum(rank, rank_cutoff - 1).astype(np.float64)
    return counted * (rank_cutoff - 1) - counted * (counted - 1) / 2
