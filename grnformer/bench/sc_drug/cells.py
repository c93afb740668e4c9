"""Single cells from files: values on one scale, genes by symbol, the label of each cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.io import read_delimited
from grnformer.core.text import name_columns, read_rows
from grnformer.data.cells import as_logarithms
from grnformer.data.columns import GeneColumns
from grnformer.genome.tss import without_version
from grnformer.prep.cell_figures import refuse_named_figures
from grnformer.prep.feature_types import is_gene_expression
from grnformer.prep.formats import reading
from grnformer.prep.qc import named_mitochondrial
from grnformer.prep.scale import LARGEST_LOG, SAME, Scale, ScaleOf
from grnformer.prep.text_matrix import read_text_matrix

#: (ids, symbols) columns of tables that translate genes
ID_COLUMNS = (("gene_id", "gene_name"), ("EntrezGene ID", "Approved Symbol"))
_SETTING = "the setting labels"


def read_cells(
    cells: str | Path,
    settings: dict[str, Any],
    labels: str | Path | None,
    gene_ids: str | Path | None,
) -> anndata.AnnData:
    """Read single cells and their labels.

    Parameters
    ----------
    cells, labels, gene_ids
        Files of the settings of these names, see `CellFile`.
    settings
        Keys rows, values, label, keep of `CellFile`.

    Returns
    -------
    anndata.AnnData
        X: natural log1p of values per 10,000 of all genes (sparse), or z-scores as given; var by symbol, columns of one
        symbol summed (of z-scores: the first stays). obs: `label` ("" where all cells have one), `depth` (total before
        normalisation, missing where cells were brought to one total; of z-scores the mean) and `mitochondrial` (share
        of genes MT-; of z-scores their mean; missing without such genes).

    Raises
    ------
    InputError
        If values are not of the declared scale, labels do not fit the cells, a column is missing or no gene, no cell is
        kept, or one without any count is.
    """
    data = _read_matrix(Path(cells), settings, labels)
    table = _labels(data, labels, settings, cells)
    chosen = _kept(table, settings, labels or cells)
    is_gene = is_gene_expression(data.var, str(cells))
    data, table = data[chosen, is_gene].copy(), table[chosen]
    refuse_named_figures(data.var_names, str(cells))
    symbols = _symbols(data.var_names, gene_ids, cells)

    _check_bounds(data.X, settings["values"], cells)
    if settings["values"] == "z_scores":
        values, symbols = _first_of_twins(data.X, symbols)
        depth, mitochondrial = values.mean(axis=1), _mitochondrial(values, symbols)
    else:
        rows = sp.csr_matrix(data.X, dtype=np.float64)
        scale = _scale_of(rows, settings["values"], cells)
        linear = rows if scale == "counts" else rows.expm1()
        total = _totals(linear, data.obs_names, cells)
        mitochondrial = _mitochondrial(linear, symbols, total)
        depth = _depth(total)
        symbols, columns = _columns_of(symbols)
        values = as_logarithms(rows, scale, columns, np.ones(data.n_vars, bool))

    obs = pd.DataFrame(
        {
            "label": table["label"].to_numpy(str),
            "depth": depth,
            "mitochondrial": mitochondrial,
        },
        index=data.obs_names,
    )
    return anndata.AnnData(
        values.astype(np.float32), obs=obs, var=pd.DataFrame(index=symbols)
    )


def _read_matrix(
    path: Path, settings: dict[str, Any], labels: str | Path | None
) -> anndata.AnnData:
    """Cells x features; of a text file without a file of labels, a column of labels is in obs."""
    if path.suffix == ".h5ad":
        with reading(path):
            data = anndata.read_h5ad(path)
        if data.X is None:
            raise InputError(f"{path} has no X", "values in X", "fill X")
        return data

    matrix, rows, columns = read_text_matrix(path)
    if settings["rows"] == "genes":
        matrix, rows, columns = matrix.T.tocsr(), columns, rows
    data = anndata.AnnData(
        matrix, obs=pd.DataFrame(index=rows), var=pd.DataFrame(index=columns)
    )
    label = settings["label"]
    if labels or label not in data.var_names:
        return data

    # No gene: its number would be part of a cell's total, which models see.
    is_label = data.var_names == label
    numbers = np.asarray(data[:, is_label].X.todense())[:, 0]
    data.obs[label] = [f"{value:g}" for value in numbers]
    return data[:, ~is_label].copy()


def _labels(
    data: anndata.AnnData,
    labels: str | Path | None,
    settings: dict[str, Any],
    cells: str | Path,
) -> pd.DataFrame:
    """The label of each cell beside the columns that `keep` looks at, in the order of the cells."""
    column, keep = settings["label"], settings["keep"]
    table = _read_labels(labels, data.obs_names) if labels else data.obs.astype(str)

    wanted = [*([column] if column else []), *keep]
    missing = [name for name in wanted if name not in table]
    if missing:
        raise InputError(
            f"{labels or cells}: no column {missing[0]!r}, but {list(table.columns)[:20]}",
            f"the columns {wanted}, as the settings label and keep say",
            "correct the settings of these cells",
        )
    table = table.reset_index(drop=True)
    return table.assign(label=table[column] if column else "")


def _read_labels(path: str | Path, cells: pd.Index) -> pd.DataFrame:
    """A table with a line a cell, put into the order of the cells."""
    rows = read_rows(path, _SETTING, comments=(), row_names=True)
    table = name_columns(rows, path, _SETTING)
    names = pd.Index(table.iloc[:, 0])

    if set(names) == set(cells) and names.is_unique:
        return table.iloc[names.get_indexer(cells)]
    if list(names) == [str(number) for number in range(1, len(cells) + 1)]:
        return table
    raise InputError(
        f"{path}: {len(names)} lines, first {names[0]!r}; {len(cells)} cells, first {cells[0]!r}",
        "the names of the cells in the first column, or their numbers from 1 on",
        "give the labels of these very cells",
    )


def _kept(
    table: pd.DataFrame, settings: dict[str, Any], where: str | Path
) -> np.ndarray:
    kept = np.ones(len(table), dtype=bool)
    for column, value in settings["keep"].items():
        kept &= (table[column] == value).to_numpy()
    if not kept.any():
        raise InputError(
            f"{where}: no cell with {settings['keep']}",
            "cells that keep names",
            "correct the setting keep",
        )
    return kept


def _symbols(
    names: pd.Index, gene_ids: str | Path | None, where: str | Path
) -> pd.Index:
    """Symbols of the genes; "" where an id is not known."""
    if gene_ids is None:
        return pd.Index(names.astype(str))
    text = [column for pair in ID_COLUMNS for column in pair]
    table = read_delimited(gene_ids, "\t", text)
    found = [pair for pair in ID_COLUMNS if set(pair) <= set(table)]
    if not found:
        raise InputError(
            f"{gene_ids}: columns {list(table.columns)}",
            f"one of the pairs of columns {ID_COLUMNS}, separated by tabs",
            "correct the setting gene_ids",
        )

    ids, symbols = found[0]
    table = table.drop_duplicates(ids)
    known = dict(zip(table[ids], table[symbols], strict=True))
    bare = without_version(pd.Series(names.astype(str)))
    translated = pd.Index([known.get(name, "") for name in bare])
    if not (translated != "").any():
        raise InputError(
            f"{where}: no gene, such as {names[0]!r}, is in {gene_ids}",
            "ids of the kind that gene_ids translates",
            "correct the setting gene_ids; null where genes are symbols",
        )
    return translated


def _check_bounds(matrix: Any, scale: str, where: str | Path) -> None:
    bounds = {
        "linear": (0.0, np.inf),
        "logarithms": (0.0, LARGEST_LOG),
        "z_scores": (-np.inf, np.inf),
    }
    low, high = bounds[scale]
    values = matrix.data if sp.issparse(matrix) else np.asarray(matrix)
    least, largest = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if not np.isfinite(values).all() or least < low or largest > high:
        raise InputError(
            f"{where}: values from {least:g} to {largest:g}, some undefined or not {scale}",
            f"finite values from {low:g} to {high:g} for {scale}",
            "correct the setting values, or give the values from before scaling",
        )
    # Scores lie around 0: counts and logarithms have nothing below.
    if scale == "z_scores" and least >= 0:
        raise InputError(
            f"{where}: values from {least:g} to {largest:g}, none below 0",
            "z-scores, as the setting values says",
            "correct the setting values: linear or logarithms",
        )


def _scale_of(rows: sp.csr_matrix, declared: str, where: str | Path) -> Scale:
    """The scale as `as_logarithms` takes it; InputError where the values are seen to be of another than declared."""
    seen = ScaleOf(str(where))
    seen.add(rows)
    if declared == "linear" and seen.base is None:
        # Expected counts and TPM are scaled as counts are.
        return "counts"
    if declared == "linear":
        kind = "natural logarithms"
        if seen.base == "2":
            kind = "logarithms to the base 2"
        raise InputError(
            f"{where}: values up to {seen.largest:g} that are {kind}",
            "counts, expected counts or TPM, as the setting values says",
            "correct the setting values, or give the values from before the logarithm",
        )
    found = seen.infer()
    if found == "counts":
        raise InputError(
            f"{where}: whole numbers up to {seen.largest:g}, which are no logarithms",
            "natural logarithms of 1 + values, as the setting values says",
            "correct the setting values: linear",
        )
    return found


def _totals(linear: sp.csr_matrix, names: pd.Index, where: str | Path) -> np.ndarray:
    """Total of each cell; InputError if one has none."""
    total = np.asarray(linear.sum(axis=1)).ravel()
    empty = names[total == 0]
    if len(empty):
        raise InputError(
            f"{where}: {len(empty)} cells without any count, first {empty[0]!r}",
            "cells with counts",
            "leave these cells out",
        )
    return total


def _depth(total: np.ndarray) -> np.ndarray:
    """Depth of each cell: its total, missing where cells were brought to one, whose rest is rounding."""
    spread = np.ptp(total) / total.max()
    return np.full(len(total), np.nan) if 0 < spread <= SAME else total


def _columns_of(symbols: pd.Index) -> tuple[pd.Index, GeneColumns]:
    """Each symbol once, sorted, and its columns; those without a symbol go."""
    named = np.flatnonzero(symbols != "")
    kinds, place = np.unique(symbols[named], return_inverse=True)
    order = np.argsort(place, kind="stable")
    return pd.Index(kinds), GeneColumns(named[order], place[order])


def _first_of_twins(matrix: Any, symbols: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Dense scores of the first column of each symbol: sums of scores mean nothing."""
    first = ~symbols.duplicated() & (symbols != "")
    dense = matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix)
    return dense[:, first].astype(float), symbols[first]


def _mitochondrial(
    values: Any, symbols: pd.Index, total: np.ndarray | None = None
) -> np.ndarray | float:
    """Sum over mitochondrial genes as a part of the total, or without one their mean; missing without such genes."""
    chosen = named_mitochondrial(symbols)
    if not chosen.any():
        return np.nan
    summed = np.asarray(values[:, chosen].sum(axis=1)).ravel()
    return np.asarray(summed / (chosen.sum() if total is None else total))
