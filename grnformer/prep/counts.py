"""Checks of count matrices, and the sum of genes that share a name."""

from __future__ import annotations

import logging
import math

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError

log = logging.getLogger(__name__)

_MOST = np.iinfo(np.int32).max
# Fewer cells may have one total by chance, unless it is a round one.
_MIN_CELLS_OF_ONE_TOTAL = 10
_SAME_TOTAL = 0.02  # of the largest total: all that rounding of single values changes
_ROUND = 0.01  # of a round total


def as_counts(matrix: sp.spmatrix | np.ndarray, where: str) -> sp.csr_matrix:
    """Return `matrix` as CSR of int32 without stored zeros.

    Raises
    ------
    InputError
        If it is all zero, or holds missing, negative or fractional values, or counts that int32 does not hold.
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
            "give the raw counts: this matrix looks normalised or log-transformed. An .h5ad may hold them elsewhere: "
            "name the place behind the path, file.h5ad:raw or file.h5ad:layers/<name>. Of RNA of which only counts "
            "corrected for ambient RNA are left (SoupX, decontX, CellBender), set prep.counts to round "
            "(grnformer init --round-counts)",
        )

    return _as_int32(counts, where)


def _as_int32(counts: sp.csr_matrix, where: str) -> sp.csr_matrix:
    """A new CSR matrix of int32 without stored zeros, or InputError where a count would wrap."""
    # Cells and features are counted by stored entries: none twice, none of 0. Summed before the cast, which would wrap.
    if not counts.has_canonical_format:
        counts = counts.copy()
        counts.sum_duplicates()

    # As int of Python: float32 would round the limit up.
    most = int(counts.data.max(initial=0))
    if most > _MOST:
        raise _no_counts(
            where,
            f"a count of {most}",
            "give the raw counts: no gene or region of a cell has so many; integers of the wrong size or sign become "
            "such numbers",
            f"raw counts, which are whole numbers from 0 to {_MOST}",
        )

    counts = counts.astype(np.int32)
    counts.eliminate_zeros()
    return counts


def check_totals(counts: sp.csr_matrix, where: str) -> None:
    """Raise InputError if values were scaled to one total and rounded, such as CPM: they are no counts."""
    totals = np.asarray(counts.sum(axis=1)).ravel()
    refuse_one_total(totals.min(), totals.max(), len(totals), where)


def refuse_one_total(least: float, largest: float, n_cells: int, where: str) -> None:
    """Raise InputError if whole numbers add up to nearly the same in every cell, as scaled and rounded values do.

    Totals that are exactly the same are those of counts that were sampled down.

    Parameters
    ----------
    least, largest
        Total of a cell.
    n_cells
        Cells with counts.
    """
    few = n_cells < _MIN_CELLS_OF_ONE_TOTAL and round_total(least, largest) is None
    alike = largest - least <= _SAME_TOTAL * largest
    if n_cells < 2 or few or least == largest or not alike:
        return
    raise _no_counts(
        where,
        f"whole numbers that add up to {least:g} to {largest:g} in each of {n_cells} cells",
        "give the counts before scaling: these look like counts per million (or per another total), rounded",
        "raw counts, whose totals differ from cell to cell",
    )


def round_total(least: float, largest: float) -> float | None:
    """The power of ten from a thousand on that all totals are near; None where there is none."""
    if least <= 0:
        return None
    total = 10.0 ** round(math.log10(least))
    near = least >= total * (1 - _ROUND) and largest <= total * (1 + _ROUND)
    return total if total >= 1e3 and near else None


def is_whole(values: np.ndarray) -> bool:
    """True if all of `values` are whole numbers."""
    return values.dtype.kind in "iub" or np.array_equal(values, np.round(values))


def check_barcodes(barcodes: pd.Index, where: str) -> None:
    """Raise InputError if a barcode is repeated, or if all of them are row numbers."""
    if _are_row_numbers(barcodes):
        raise InputError(
            f"{where}: cells named {barcodes[0]!r} to {barcodes[-1]!r}, which are row numbers",
            "the barcode of each cell",
            "write the barcodes as names of the cells (obs_names, or the first column of a text matrix)",
        )

    repeated = barcodes[barcodes.duplicated()]
    if len(repeated):
        raise InputError(
            f"{where}: {len(repeated)} repeated barcodes, first {repeated[0]!r}",
            "one entry a cell",
            "give each sample its own line in the sample sheet, or make the barcodes unique",
        )


def _are_row_numbers(names: pd.Index) -> bool:
    """True of 0, 1, 2 ... and V1, V2, V3 ..., as Python and R write where no names are given.

    They pair whatever stands at one place, so cells of another order or another file go unnoticed.
    """
    bare = names.astype(str).str.removeprefix("V")
    if not bare.str.fullmatch(r"\d+").all():
        return False

    numbers = np.sort(bare.astype(np.float64).to_numpy())
    from_zero = np.array_equal(numbers, np.arange(len(names)))
    return from_zero or np.array_equal(numbers, np.arange(1, len(names) + 1))


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
    # In int64, which a sum of counts does not leave.
    indicator = sp.csr_matrix(
        (np.ones(len(codes), np.int64), (np.arange(len(codes)), codes))
    )
    summed = _as_int32(sp.csr_matrix(data.X @ indicator), where)
    return anndata.AnnData(summed, obs=data.obs, var=data.var[~repeated].copy())


def _no_counts(
    where: str,
    found: str,
    remedy: str,
    expected: str = "raw counts, which are whole numbers from 0 on",
) -> InputError:
    return InputError(f"{where}: {found}", expected, remedy)
