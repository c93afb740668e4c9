"""Expression of a screen's line: cells of one or several count matrices, log1p of counts per ten thousand."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.prep.counts import as_counts, check_totals, sum_repeated_genes
from grnformer.prep.feature_types import GENES
from grnformer.prep.features import select_features
from grnformer.prep.formats import read_matrix
from grnformer.prep.scale import TOTAL

log = logging.getLogger(__name__)

_LEAST = 10  # symbols in common: fewer may be so by chance


def read_expression(paths: Sequence[str], wanted: Sequence[str]) -> pd.DataFrame:
    """Read the cells of all files, with the genes that are wanted; counts of repeated symbols are summed.

    A gene that one of the files does not measure is left out: zeros would tell files apart, not cells.

    Returns
    -------
    (cells, genes), log1p; totals are over all genes of the file.

    Raises
    ------
    InputError
        If a file holds hardly any of the symbols, or no counts.
    """
    parts = [_read(path, wanted) for path in paths]
    # the copy has the cells of a gene side by side, whose sums in float32 are then pairwise and more exact
    joined = pd.concat(parts, ignore_index=True, join="inner").copy()
    lost = set().union(*parts) - set(joined)
    if lost:
        log.warning(
            "%d perturbed genes, such as %s, are measured in some of %s only, and left out",
            len(lost),
            min(lost),
            list(paths),
        )
    return joined


def _read(path: str, wanted: Sequence[str]) -> pd.DataFrame:
    # of a Multiome file, peaks would count in a cell's total
    data = select_features(read_matrix(path), GENES, path)
    data = scale_counts(_with_genes_as_columns(data, path, wanted), path)
    names = sorted(set(wanted) & set(data.var_names))
    return pd.DataFrame(data[:, names].X.toarray(), columns=names)


def scale_counts(data: anndata.AnnData, path: str | Path) -> anndata.AnnData:
    """log1p of counts per ten thousand of all genes of a cell (CSR, float32); counts of repeated symbols are summed.

    Raises
    ------
    InputError
        If the values are no counts, or a cell has none.
    """
    counts = as_counts(data.X, str(path))
    check_totals(counts, str(path))
    data = anndata.AnnData(counts, obs=data.obs, var=data.var)
    data = sum_repeated_genes(data, str(path))

    rows = sp.csr_matrix(data.X)
    totals = np.asarray(rows.sum(axis=1)).ravel()
    empty = data.obs_names[totals == 0]
    if len(empty):
        raise InputError(
            f"{path}: {len(empty)} of {data.n_obs} cells without any count, such as {empty[0]!r}",
            "cells with counts",
            "leave these cells out",
        )
    part = rows.data / np.repeat(totals, np.diff(rows.indptr))
    values = np.log1p(TOTAL * part).astype(np.float32)
    data.X = sp.csr_matrix((values, rows.indices, rows.indptr), shape=rows.shape)
    return data


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
