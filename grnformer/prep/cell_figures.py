"""Columns of a matrix that are figures of cells, such as the total of their counts, and not genes."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

# As scanpy, Seurat, scater and tables by hand call them; in small letters.
_FIGURES = (
    r"^(n_?(counts?|genes?|umis?|reads?|features?|cells?)([_.].*)?"
    r"|total_?(counts?|umis?|reads?|genes?|features?)([_.].*)?"
    r"|(counts?|genes?|umis?|reads?)_?(total|sum|per_cell)"
    r"|(ncount|nfeature)_.*"
    r"|(pct|percent|perc|fraction|frac)[_.].*"
    r"|(library|lib|cell)_?size|size_?factors?|doublet_?scores?"
    r"|log1p_.*)$"
)
_NEARLY_ALL = 0.9  # of the cells


def check_no_figures(data: anndata.AnnData, is_known: np.ndarray, where: str) -> None:
    """Raise InputError if columns beside the genes are figures of the cells: by name, or as large as all genes.

    Parameters
    ----------
    data
        Cells x genes, counts in X (CSR).
    is_known
        Which of the genes the TSS table knows; none of them is a figure.
    """
    unknown = np.flatnonzero(~is_known)
    names = data.var_names[unknown].astype(str)

    # A total is at least the sum of the genes; no gene has as many counts as all known genes together.
    in_genes = np.asarray(data.X[:, np.flatnonzero(is_known)].sum(axis=1)).ravel()
    with_counts = in_genes > 0
    columns = data.X.tocsc()[:, unknown]
    total = columns.sum(axis=0).A1
    # Only columns with as many counts as all genes are looked at cell by cell.
    as_large = total >= _NEARLY_ALL * in_genes.sum()
    for number in np.flatnonzero(as_large):
        column = columns[:, [number]].toarray().ravel()
        as_large[number] = (
            np.mean(column[with_counts] >= in_genes[with_counts]) >= _NEARLY_ALL
        )

    _refuse(names[_are_named(names) | (as_large & (is_known.mean() > 0.5))], where)


def refuse_named_figures(names: pd.Index, where: str) -> None:
    """Raise InputError if a column is a figure of the cells by its name."""
    _refuse(names[_are_named(names)], where)


def _are_named(names: pd.Index) -> np.ndarray:
    lower = names.astype(str).str.lower()
    return np.asarray(lower.str.fullmatch(_FIGURES), dtype=bool)


def _refuse(wrong: pd.Index, where: str) -> None:
    if len(wrong):
        raise InputError(
            f"{where}: columns {wrong[:5].tolist()} are figures of the cells, not genes",
            "a matrix of genes alone",
            "leave these columns out of the file",
        )
