"""The file formats of count matrices: 10x .h5, .h5ad, .zarr, folders with matrix.mtx, CSV and TSV."""

from __future__ import annotations

import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.stored import close_stored, open_stored
from grnformer.core.text import BED_COMMENTS, read_rows, refuse
from grnformer.prep.counts import is_whole
from grnformer.prep.text_matrix import read_text_matrix

log = logging.getLogger(__name__)

_FORMATS = (
    "10x .h5, .h5ad, .zarr, a folder with matrix.mtx, or .csv, .tsv, .txt (also .gz)"
)
_SHEET = "the sample sheet"  # where the file is named, for messages
_HALF = 2048  # up to here float16 holds every whole number
# what scanpy reads of the group `matrix`
_OF_10X = ("barcodes", "data", "features", "indices", "indptr", "shape")
_SCANPY_COLUMNS = {"gene_ids": "gene_id", "feature_types": "feature_type"}


def read_matrix(path: str | Path) -> anndata.AnnData:
    """Read a count matrix of any supported format, as stored in the file.

    Returns
    -------
    anndata.AnnData
        X sparse, values unchecked. `var` may hold ``gene_id`` and ``feature_type`` (10x' words: Gene Expression,
        Peaks). A text matrix may be transposed: see `orient` in `features`.

    Raises
    ------
    InputError
        If the format is unknown or the file cannot be read as what its name says.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            f"no file or folder at {path}",
            "an existing path",
            "correct the sample sheet",
        )

    with reading(path):
        data = _read(path)

    log.info("%s: %d x %d", path, data.n_obs, data.n_vars)
    return data


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a library raises of a file that it cannot read into an InputError that names the file."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text: byte {error.object[error.start]:#04x} at {error.start}",
            "text in UTF-8",
            "save it as UTF-8",
        ) from error
    except (EOFError, zlib.error) as error:
        raise InputError(
            f"{path} is cut off, or not compressed as its name says: {error}",
            "a whole file",
            "copy or write it again",
        ) from error
    # Each library has errors of its own: of HDF5, zarr, compression, parsers.
    except Exception as error:
        raise InputError(
            f"{path} cannot be read: {error or type(error).__name__}",
            _FORMATS,
            "check the file: it may be cut off, or of another format than its name says",
        ) from error


def _read(path: Path) -> anndata.AnnData:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffixes = [suffix for suffix in suffixes if suffix != ".gz"]
    match suffixes[-1] if suffixes else "":
        # Before the folders, as a zarr store is one.
        case ".zarr":
            _check_root(path)
            return _choose_counts(anndata.read_zarr(path), path)
        case _ if path.is_dir():
            return _read_folder(path)
        case ".h5ad":
            _check_root(path)
            return _choose_counts(anndata.read_h5ad(path), path)
        case ".h5":
            return _read_10x_h5(path)
        case ".csv" | ".tsv" | ".txt":
            return _read_text(path)
        case _:
            raise InputError(
                f"{path}: a format not known by its name",
                _FORMATS,
                "convert or rename the file",
            )


def _read_10x_h5(path: Path) -> anndata.AnnData:
    import scanpy as sc

    _check_10x(path)
    with warnings.catch_warnings():
        # Symbols repeat: their counts are summed later.
        warnings.filterwarnings("ignore", message=".*names are not unique")
        # Peaks too: the same file may be both modalities of the sample.
        data = sc.read_10x_h5(path, gex_only=False)
    data.var = _name_columns(data.var)
    return data


def _name_columns(var: pd.DataFrame) -> pd.DataFrame:
    """`var` with our words for scanpy's columns; where both are there, ours stay."""
    for theirs, ours in _SCANPY_COLUMNS.items():
        if ours in var:
            var = var.drop(columns=theirs, errors="ignore")
    return var.rename(columns=_SCANPY_COLUMNS)


def _check_root(path: Path) -> None:
    """Raise InputError unless an .h5ad or .zarr holds an AnnData."""
    root = open_stored(path)
    parts = sorted(root)
    close_stored(root)
    missing = [name for name in ("obs", "var") if name not in parts]
    if not missing and "mod" not in parts:
        return

    if "mod" in parts:
        found, remedy = "a MuData", "write its modalities as two .h5ad"
    elif "matrix" in parts:
        found, remedy = "a matrix of Cell Ranger", "name it .h5"
    else:
        found, remedy = f"{parts or 'nothing'}", "write it by AnnData, again"
    raise InputError(f"{path} holds {found}", "an AnnData: X, obs and var", remedy)


def _check_10x(path: Path) -> None:
    """Raise InputError unless an .h5 holds one matrix of Cell Ranger."""
    root = open_stored(path)
    parts = sorted(root)
    # Cell Ranger 2 has a group for each genome, 3 and later a group `matrix`.
    genomes = [name for name in parts if "genes" in root[name]]
    missing = set(_OF_10X) - set(root["matrix"]) if "matrix" in parts else set()
    close_stored(root)
    if "obs" in parts and "var" in parts:
        raise InputError(
            f"{path} holds an AnnData", "a 10x .h5 of Cell Ranger", "name it .h5ad"
        )
    if len(genomes) > 1:
        raise InputError(
            f"{path} holds genes of {len(genomes)} genomes, {genomes}: a mixed-species file",
            "genes of one genome",
            "keep the cells and the genes of one species, and write them as .h5ad",
        )
    if "matrix" not in parts and not genomes:
        raise InputError(
            f"{path} holds {parts}",
            "a 10x .h5 of Cell Ranger, with a group 'matrix'",
            "give the matrix of Cell Ranger (filtered_feature_bc_matrix.h5), or another format: "
            + _FORMATS,
        )
    if missing:
        raise InputError(
            f"{path}: the group 'matrix' has no {sorted(missing)}",
            f"a 10x .h5 of Cell Ranger, with {', '.join(_OF_10X)}",
            "copy or write it again",
        )


def _choose_counts(stored: anndata.AnnData, path: Path) -> anndata.AnnData:
    """The first of layer counts, X and raw that holds whole numbers."""
    candidates = [
        ("layer 'counts'", stored.layers.get("counts"), stored.var),
        ("X", stored.X, stored.var),
    ]
    if stored.raw is not None:
        candidates.append(("raw", stored.raw.X, stored.raw.var))

    present = [
        (name, _as_csr(matrix, path), var)
        for name, matrix, var in candidates
        if matrix is not None
    ]
    if not present:
        raise InputError(
            f"{path} holds no matrix",
            "counts in X, in layer 'counts' or in raw",
            "give another file",
        )

    whole = [candidate for candidate in present if is_whole(candidate[1].data)]
    others = [
        name
        for name, layer in stored.layers.items()
        if name != "counts" and is_whole(_as_csr(layer, path).data)
    ]
    if not whole and others:
        raise InputError(
            f"{path}: no whole numbers in {[name for name, *_ in present]}, but in the layers {others}",
            "raw counts in layer 'counts', in X or in raw",
            f"if layer {others[0]!r} holds the raw counts, call it 'counts'",
        )

    # If none is whole, the first is returned: the check of counts then says what is wrong with it.
    name, matrix, var = (whole or present)[0]
    _tell_of_others(path, whole)
    log.info("%s: counts from %s", path, name)
    return anndata.AnnData(matrix, obs=stored.obs, var=_name_columns(var))


def _as_csr(matrix: Any, path: Path) -> sp.csr_matrix:
    """A stored matrix as CSR, in a type that scipy knows."""
    values = getattr(matrix, "data", matrix)
    # of either byte order
    is_half = matrix.dtype.newbyteorder("=") == np.float16
    if is_half and np.max(values, initial=0) > _HALF:
        raise InputError(
            f"{path} holds float16 with values up to {np.max(values):g}",
            f"float32 or integers: float16 does not hold every whole number above {_HALF}",
            "write the counts again, in another type",
        )

    # of the machine's byte order, and single precision for half
    kind = np.dtype(np.float32) if is_half else matrix.dtype
    return sp.csr_matrix(matrix.astype(kind.newbyteorder("="), copy=False))


def _tell_of_others(path: Path, whole: list[tuple[str, sp.csr_matrix, Any]]) -> None:
    """Warn where several places hold whole numbers that are not the same."""
    if not whole:
        return

    totals = {name: matrix.sum() for name, matrix, _ in whole}
    taken = next(iter(totals))
    different = {name: n for name, n in totals.items() if n != totals[taken]}
    # The raw of an .h5ad often holds more genes than X; only a smaller total is a reason to doubt.
    if different and totals[taken] < max(different.values()):
        log.warning(
            "%s: counts are taken from %s, with a total of %.0f; whole numbers also stand in %s",
            path,
            taken,
            totals[taken],
            ", ".join(f"{name} ({n:.0f})" for name, n in different.items()),
        )


def _read_text(path: Path) -> anndata.AnnData:
    matrix, rows, columns = read_text_matrix(path)
    return anndata.AnnData(
        matrix, obs=pd.DataFrame(index=rows), var=pd.DataFrame(index=columns)
    )


def _read_folder(folder: Path) -> anndata.AnnData:
    """10x' matrix folders: Cell Ranger 2, 3, ARC (features with Peaks) and ATAC (peaks.bed)."""
    import scipy.io

    matrix_file = _find(folder, "matrix.mtx")
    # Without comments: a barcode may be sample#ACGT.
    barcodes = read_rows(_find(folder, "barcodes.tsv"), _SHEET, comments=())[0]
    features = _features(_find(folder, "features.tsv", "genes.tsv", "peaks.bed"))

    with reading(matrix_file):
        field = scipy.io.mminfo(matrix_file)[4]
        if field not in ("integer", "unsigned-integer", "real"):
            raise InputError(
                f"{matrix_file} is of kind {field}",
                "a matrix of counts, of kind integer or real",
                "write the matrix with its counts",
            )
        matrix = scipy.io.mmread(matrix_file, spmatrix=True)

    # 10x writes features x barcodes; transposed at the end.
    if matrix.shape != (len(features), len(barcodes)):
        raise InputError(
            f"{matrix_file} is {matrix.shape[0]} x {matrix.shape[1]}",
            f"{len(features)} features x {len(barcodes)} barcodes",
            "take the three files from the same folder",
        )
    return anndata.AnnData(
        sp.csr_matrix(matrix.T),
        obs=pd.DataFrame(index=barcodes.to_numpy()),
        var=features,
    )


def _features(path: Path) -> pd.DataFrame:
    """Features named as in the file, with the columns that it has beside the name."""
    if path.name.startswith("peaks.bed"):
        table = _filled(read_rows(path, _SHEET, comments=BED_COMMENTS), 3, path)
        names = table[0] + ":" + table[1] + "-" + table[2]
        return pd.DataFrame({"feature_type": "Peaks"}, index=names.to_numpy())

    # The columns of 10x are id, name, type, and of some features a place; other tools write only names.
    table = read_rows(path, _SHEET, comments=(), pad=True)
    columns = ["gene_id", "name", "feature_type"][: table.shape[1]]
    if len(columns) == 1:
        columns = ["name"]
    named = _filled(table, len(columns), path).set_axis(columns, axis=1)
    return named.set_index("name").rename_axis(None)


def _filled(table: pd.DataFrame, n_columns: int, path: Path) -> pd.DataFrame:
    """The first columns; InputError if there are fewer, or a cell of them is empty."""
    if table.shape[1] < n_columns:
        raise InputError(
            f"{path}: {table.shape[1]} columns, first line {table.iloc[0].to_list()}",
            f"{n_columns} columns, separated by tabs",
            "write the file again",
        )
    first = table.iloc[:, :n_columns]
    for _, column in first.items():
        refuse(column, column == "", "a filled field", path, _SHEET)
    return first


def _find(folder: Path, *names: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path

    present = sorted(path.name for path in folder.iterdir())
    raise InputError(
        f"{folder} holds {present[:10]}",
        f"{' or '.join(names)} (also .gz), beside matrix.mtx, barcodes.tsv and features.tsv",
        "give the folder that holds the three files of one matrix",
    )
