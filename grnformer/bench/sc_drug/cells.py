"""Single cells from files: values on one scale, genes by symbol, the label of each cell."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.io import read_delimited
from grnformer.core.text import read_text, separator_of
from grnformer.prep.formats import reading
from grnformer.prep.text_matrix import read_text_matrix

TOTAL = 10_000  # counts a cell is brought to
LARGEST_LOGARITHM = 25.0  # e^25 is beyond any count
#: (ids, symbols) columns of tables that translate genes
ID_COLUMNS = (("gene_id", "gene_name"), ("EntrezGene ID", "Approved Symbol"))
MITOCHONDRIAL = "MT-"


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
        X: natural log1p of values per 10,000 (sparse), or z-scores as given; var by symbol, columns of one symbol
        summed (of z-scores: the first stays). obs: `label` ("" where all cells have one), `depth` (total before
        normalisation; of z-scores the mean) and `mitochondrial` (share of genes MT-; of z-scores their mean; missing
        without such genes).

    Raises
    ------
    InputError
        If values are not of the declared scale, labels do not fit the cells, a column is missing, or no cell is kept.
    """
    data = _read_matrix(Path(cells), settings)
    table = _labels(data, labels, settings, cells)
    chosen = _kept(table, settings, labels or cells)
    data, table = data[chosen].copy(), table[chosen]
    symbols = _symbols(data.var_names, gene_ids, cells)

    _check_scale(data.X, settings["values"], cells)
    if settings["values"] == "z_scores":
        values, symbols = _first_of_twins(data.X, symbols)
        depth, mitochondrial = values.mean(axis=1), _mitochondrial_mean(values, symbols)
    else:
        linear = sp.csr_matrix(data.X, dtype=np.float64)
        if settings["values"] == "logarithms":
            linear = linear.expm1()
        depth = np.asarray(linear.sum(axis=1)).ravel()
        # A cell without any count stays 0.
        scaled = sp.diags(TOTAL / np.where(depth > 0, depth, 1.0)) @ linear
        values, symbols = _sum_twins(scaled, symbols)
        mitochondrial = _mitochondrial_share(values, symbols)
        values = values.log1p()

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


def _read_matrix(path: Path, settings: dict[str, Any]) -> anndata.AnnData:
    if path.suffix == ".h5ad":
        with reading(path):
            return anndata.read_h5ad(path)

    matrix, rows, columns = read_text_matrix(path)
    if settings["rows"] == "genes":
        matrix, rows, columns = matrix.T.tocsr(), columns, rows
    return anndata.AnnData(
        matrix, obs=pd.DataFrame(index=rows), var=pd.DataFrame(index=columns)
    )


def _labels(
    data: anndata.AnnData,
    labels: str | Path | None,
    settings: dict[str, Any],
    cells: str | Path,
) -> pd.DataFrame:
    """The label of each cell beside the columns that `keep` looks at, in the order of the cells."""
    column, keep = settings["label"], settings["keep"]
    if labels:
        table = _read_labels(labels, data.obs_names)
    elif column is not None and column in data.var_names:
        numbers = np.asarray(data[:, column].to_df())[:, 0]
        table = pd.DataFrame({column: [f"{value:g}" for value in numbers]})
        # A label is no gene: `_symbols` drops the name.
        data.var_names = [
            "" if name == column else name for name in data.var_names.astype(str)
        ]
    else:
        table = data.obs.astype(str).reset_index(drop=True)

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
    lines = csv.reader(StringIO(read_text(path)), delimiter=separator_of(Path(path)))
    header, *rows = [line for line in lines if line]

    # R writes no field above the row names.
    if rows and len(header) == len(rows[0]) - 1:
        header = ["", *header]
    if any(len(row) != len(header) for row in rows):
        raise InputError(
            f"{path}: lines of different numbers of fields",
            f"{len(header)} fields a line, as its header has",
            "write the file again",
        )
    table = pd.DataFrame(rows, columns=header)
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
    header = read_text(gene_ids).partition("\n")[0].split("\t")
    found = [pair for pair in ID_COLUMNS if set(pair) <= set(header)]
    if not found:
        raise InputError(
            f"{gene_ids}: columns {header}",
            f"one of the pairs of columns {ID_COLUMNS}, separated by tabs",
            "correct the setting gene_ids",
        )

    ids, symbols = found[0]
    table = read_delimited(gene_ids, "\t", [ids, symbols]).drop_duplicates(ids)
    # Versions of Ensembl ids change; Entrez ids have none.
    bare = pd.Index(names.astype(str)).str.replace(r"\.\d+$", "", regex=True)
    known = dict(zip(table[ids], table[symbols], strict=True))
    translated = pd.Index([known.get(name, "") for name in bare])
    if not (translated != "").any():
        raise InputError(
            f"{where}: no gene, such as {names[0]!r}, is in {gene_ids}",
            "ids of the kind that gene_ids translates",
            "correct the setting gene_ids; null where genes are symbols",
        )
    return translated


def _check_scale(matrix: Any, scale: str, where: str | Path) -> None:
    bounds = {
        "linear": (0.0, np.inf),
        "logarithms": (0.0, LARGEST_LOGARITHM),
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


def _first_of_twins(matrix: Any, symbols: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Dense scores of the first column of each symbol: sums of scores mean nothing."""
    first = ~symbols.duplicated() & (symbols != "")
    dense = matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix)
    return dense[:, first].astype(float), symbols[first]


def _sum_twins(
    matrix: sp.csr_matrix, symbols: pd.Index
) -> tuple[sp.csr_matrix, pd.Index]:
    """Columns of one symbol as their sum; those without a symbol go."""
    named = np.flatnonzero(symbols != "")
    kinds, place = np.unique(symbols[named], return_inverse=True)
    one = sp.csr_matrix(
        (np.ones(len(named)), (named, place)), (len(symbols), len(kinds))
    )
    return sp.csr_matrix(matrix @ one), pd.Index(kinds)


def _is_mitochondrial(symbols: pd.Index) -> np.ndarray:
    return np.asarray(symbols.str.upper().str.startswith(MITOCHONDRIAL))


def _mitochondrial_mean(values: np.ndarray, symbols: pd.Index) -> np.ndarray | float:
    """Mean score of mitochondrial genes; missing where there are none."""
    chosen = _is_mitochondrial(symbols)
    return values[:, chosen].mean(axis=1) if chosen.any() else np.nan


def _mitochondrial_share(
    scaled: sp.csr_matrix, symbols: pd.Index
) -> np.ndarray | float:
    """Share of mitochondrial genes in values per 10,000; missing where there are none."""
    chosen = _is_mitochondrial(symbols)
    if not chosen.any():
        return np.nan
    return np.asarray(scaled[:, chosen].sum(axis=1)).ravel() / TOTAL
