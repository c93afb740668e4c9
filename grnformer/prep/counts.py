"""Checks of count matrices, and the sum of genes that share a name."""

from __future__ import annotations

import logging

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError

log = logging.getLogger(__name__)


def as_counts(matrix: sp.spmatrix | np.ndarray, where: str) -> sp.csr_matrix:
    """Return `matrix` as CSR of int32 without stored zeros.

    Raises
    ------
    InputError
        If it is all zero, or holds missing, negative or fractional values.
    """
    counts = sp.csr_matrix(matrix)
    values = counts.data
    # First: infinity would pass the checks below, and NaN look like a fraction.
    undefined = np.count_nonzero(~np.isfinite(values))
    if undefined:
        raise _no_counts(
            where,
            f"{undefined} missing or infinite values",
            "write 0 where nothing was counted",
        )
    # Before the minimum, which a matrix without entries does not have.
    if not values.any():
        raise _no_counts(where, "all counts are 0", "give another file")
    if values.min() < 0:
        found = (
            f"{np.count_nonzero(values < 0)} negative values, lowest {values.min():g}"
        )
        raise _no_counts(
            where,
            found,
            "give the raw counts: this matrix was scaled or batch-corrected",
        )
    if not is_whole(values):
        example = values[values != np.round(values)][0]
        raise _no_counts(
            where,
            f"values that are not whole numbers, e.g. {example:g}",
            "give the raw counts: this matrix looks normalised or log-transformed; an .h5ad may hold the counts in "
            "layer 'counts' or in raw",
        )

    # A new matrix: the one that was given keeps its type and its stored zeros.
    counts = counts.astype(np.int32)
    # Cells and features are counted by stored entries: none twice, none of 0.
    counts.sum_duplicates()
    counts.eliminate_zeros()
    return counts


def is_whole(values: np.ndarray) -> bool:
    """True if all of `values` are whole numbers."""
    return values.dtype.kind in "iub" or np.array_equal(values, np.round(values))


def check_barcodes(barcodes: pd.Index, where: str) -> None:
    """Raise InputError if a barcode is repeated."""
    repeated = barcodes[barcodes.duplicated()]
    if len(repeated):
        raise InputError(
            f"{where}: {len(repeated)} repeated barcodes, first {repeated[0]!r}",
            "one entry a cell",
            "give each sample its own line in the sample sheet, or make the barcodes unique",
        )


def sum_repeated_genes(data: anndata.AnnData, where: str) -> anndata.AnnData:
    """Sum the columns of genes that share a name (Ensembl genes with one symbol), at the place of the first."""
    names = data.var_names
    repeated = names.duplicated()
    if not repeated.any():
        return data

    log.warning(
        "%s: %d columns repeat the name of another (first %r): their counts are summed",
        where,
        repeated.sum(),
        names[repeated][0],
    )
    # Genes x unique names, 1 where a gene bears the name.
    # Names are numbered as they first appear: the order of those kept below.
    codes, _ = pd.factorize(names)
    indicator = sp.csr_matrix(
        (np.ones(len(codes), np.int32), (np.arange(len(codes)), codes))
    )
    summed = sp.csr_matrix(data.X @ indicator)
    return anndata.AnnData(summed, obs=data.obs, var=data.var[~repeated].copy())


def _no_counts(where: str, found: str, remedy: str) -> InputError:
    return InputError(
        f"{where}: {found}",
        "raw counts, which are whole numbers from 0 on",
        remedy,
    )
