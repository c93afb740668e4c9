"""AUCell: how early a gene set turns up among a cell's genes, ranked by expression (Aibar et al. 2017).

doi 10.1038/nmeth.4463. With the definitions of pySCENIC: the R best genes of a cell have ranks 0 to R - 1, a gene
of the set at rank r adds max(0, R - 1 - r) to the area under the recovery curve, and the area is divided by R times
the size of the set.

Two things differ from pySCENIC, both because sparse cells are mostly ties. Tied genes, zeros above all, are not
put into a random order: each adds what it would on average over all orders, so that the score is the expected one.
And the rank cut-off is lowered to what nearly all cells detect (`choose_rank_cutoff`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import scipy.sparse as sp

_BLOCK = 256  # cells handed to a thread at a time


def choose_rank_cutoff(
    n_detected: np.ndarray, n_genes: int, auc_threshold: float, detected_quantile: float
) -> int:
    """Return AUCell's rank cut-off R: a fraction of all genes, but no more than what the cells detect.

    Parameters
    ----------
    n_detected
        Genes detected in each cell.
    n_genes
        Genes ranked.
    auc_threshold
        Fraction of the genes, in (0, 1].
    detected_quantile
        The cut-off is at most this quantile of `n_detected`; 1 leaves the bound to the best cell.

    Raises
    ------
    InputError
        If the cut-off would be below 2.
    """
    cutoff = min(
        round(auc_threshold * n_genes), int(np.quantile(n_detected, detected_quantile))
    )
    if cutoff < 2:
        raise InputError(
            f"a rank cut-off of {cutoff} ({n_genes} genes; the median cell detects {int(np.median(n_detected))})",
            "at least 2 ranks",
            "filter poor cells in `prep`, or raise grn.cell.auc_threshold or grn.cell.detected_quantile",
        )
    return cutoff


def score_cells(
    expression: sp.csr_matrix, gene_sets: sp.csc_matrix, rank_cutoff: int
) -> np.ndarray:
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
        If a set has no gene, or expression is negative or missing.
    """
    import numba
    import scipy.sparse as sp

    from grnformer.grn.activity.recovery_kernel import recover_sets

    # By gene: the kernel asks for the sets of one gene at a time.
    members = sp.csr_matrix(gene_sets, dtype=np.float64)
    weight = members.sum(axis=0).A1
    if (weight <= 0).any():
        raise InputError(
            f"{(weight <= 0).sum()} of {weight.size} gene sets have no gene in the data",
            "sets of measured genes",
            "use gene sets with the gene names of the data",
        )

    cells = sp.csr_matrix(expression)
    lowest = cells.data.min(initial=0)
    if not lowest >= 0:  # nor where it is nan
        raise InputError(
            f"expression as low as {lowest}",
            "no value below 0 and none missing",
            "use counts or their log1p",
        )

    auc = np.empty((cells.shape[0], weight.size), dtype=np.float32)
    # The kernel is compiled once a combination of types: indices of one type spare a second compilation.
    arrays = (
        cells.indptr.astype(np.int64, copy=False),
        cells.indices,
        cells.data if cells.dtype.kind == "f" else cells.data.astype(np.float64),
        members.indptr.astype(np.int64, copy=False),
        members.indices.astype(np.int64, copy=False),
        members.data,
        weight,
        rank_cutoff,
    )

    # Threads run side by side, as the kernel releases the interpreter's lock.
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        starts = range(0, len(auc), _BLOCK)
        # the list raises what a thread has raised
        list(
            pool.map(
                lambda start: recover_sets(start, *arrays, auc[start : start + _BLOCK]),
                starts,
            )
        )
    return auc
