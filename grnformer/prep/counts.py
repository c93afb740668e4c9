"""What makes a matrix a count matrix, and what is done about repeated names."""

from __future__ import annotations

import logging

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError

log = logging.getLogger("grnformer.prep")


def as_counts(matrix: sp.spmatrix | np.ndarray, where: str) -> sp.csr_matrix:
    """Return `matrix` as CSR of int32 without stored zeros.

    Raises
    ------
    InputError
        If it is empty, all zero, or holds missing, negative or fractional values.
    """
    counts = sp.csr_matrix(matrix)
    if 0 in counts.shape:
        raise InputError(
            f"{where}: an empty matrix, {counts.shape[0]} x {counts.shape[1]}", "counts", "give another file"
        )
    values = counts.data
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    if not np.isfinite(values).all():
        raise InputError(
            f"{where}: {int((~np.isfinite(values)).sum())} missing or infinite values",
            "raw counts",
            "write 0 where nothing was counted",
        )
    if not values.any():
        raise InputError(f"{where}: all counts are 0", "raw counts", "give another file")
    if values.min() < 0:
        raise InputError(
            f"{where}: {int((values < 0).sum())} negative values, lowest {values.min():g}",
            "raw counts, which are whole numbers from 0 on",
            "give the raw counts: this matrix was scaled or batch-corrected",
        )
    if not is_whole(values):
        example = values[values != np.round(values)][0]
        raise InputError(
            f"{where}: values that are no whole numbers, e.g. {example:g}",
            "raw counts",
            "give the raw counts: this matrix looks normalised or log-transformed; an .h5ad may hold the counts in "
            "layer 'counts' or in raw",
        )
    counts = sp.csr_matrix((values.astype(np.int32), counts.indices, counts.indptr), shape=counts.shape)
    counts.sum_duplicates()
    counts.eliminate_zeros()
    return counts


def is_whole(values: np.ndarray) -> bool:
    """True if all of `values` are whole numbers."""
    return values.dtype.kind in "iub" or bool(np.array_equal(values, np.round(values)))


def check_barcodes(barcodes: pd.Index, where: str) -> None:
    """Raise InputError if a barcode stands twice."""
    repeated = barcodes[barcodes.duplicated()]
    if len(repeated):
        raise InputError(
            f"{where}: {len(repeated)} repeated barcodes, first {repeated[0]!r}",
            "one entry a cell",
            "give each sample its own line in the sample sheet, or make the barcodes unique",
        )


def sum_repeated_genes(data: anndata.AnnData, where: str) -> anndata.AnnData:
    """Add up the columns of genes that share a name (Ensembl genes with one symbol); the first keeps its place."""
    names = data.var_names
    if names.is_unique:
        return data
    codes, unique = pd.factorize(names)
    log.warning(
        "%s: %d columns repeat the name of another (first %r): their counts are summed",
        where,
        len(names) - len(unique),
        names[names.duplicated()][0],
    )
    indicator = sp.csr_matrix((np.ones(len(codes), np.int32), (np.arange(len(codes)), codes)))
    var = data.var[~names.duplicated()].copy()
    return anndata.AnnData(sp.csr_matrix(data.X @ indicator), obs=data.obs, var=var)
