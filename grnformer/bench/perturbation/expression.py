"""Expression of a screen's line: cells of one or several count matrices, log1p of counts per ten thousand."""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.prep.counts import as_counts
from grnformer.prep.formats import read_matrix

_TOTAL = 1e4
_LEAST = 10  # symbols in common: fewer may be so by chance


def read_expression(paths: Sequence[str], wanted: Sequence[str]) -> pd.DataFrame:
    """Read the cells of all files, with the genes that are wanted; counts of repeated symbols are summed.

    Returns
    -------
    (cells, genes), log1p; totals are over all genes of the file.

    Raises
    ------
    InputError
        If a file holds hardly any of the symbols, or no counts.
    """
    parts = [_read(path, wanted) for path in paths]
    return pd.concat(parts, ignore_index=True).fillna(0)


def _read(path: str, wanted: Sequence[str]) -> pd.DataFrame:
    data = _with_genes_as_columns(read_matrix(path), path, wanted)
    counts = as_counts(data.X, path)
    totals = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)

    # by gene: a symbol may stand for several rows of the file
    column = pd.Index(sorted(set(wanted))).get_indexer(data.var_names)
    known = np.flatnonzero(column >= 0)
    kept, number = np.unique(column[known], return_inverse=True)
    sums = sp.csr_matrix(
        (np.ones(len(known)), (np.arange(len(known)), number)),
        shape=(len(known), len(kept)),
    )
    dense = (counts[:, known] @ sums).toarray() / totals[:, None]
    names = np.array(sorted(set(wanted)))[kept]
    return pd.DataFrame(np.log1p(_TOTAL * dense).astype(np.float32), columns=names)


def _with_genes_as_columns(
    data: anndata.AnnData, path: str, wanted: Sequence[str]
) -> anndata.AnnData:
    """Turn the matrix so that most of the wanted symbols are in its columns."""
    in_columns = len(set(wanted) & set(data.var_names))
    in_rows = len(set(wanted) & set(data.obs_names))
    found = max(in_columns, in_rows)
    if found < min(_LEAST, len(set(wanted))):
        raise InputError(
            f"{path} holds {found} of {len(set(wanted)):,} perturbed genes",
            "a count matrix of the line with gene symbols",
            "correct bench.perturbation.screens, or name the genes by symbols",
        )
    return data if in_columns >= in_rows else data.T
