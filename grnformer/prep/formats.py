"""The file formats of count matrices: 10x .h5, .h5ad, .h5mu, .zarr, folders with matrix.mtx, CSV and TSV."""

from __future__ import annotations

import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anndata
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.places import split_place
from grnformer.core.stored import close_stored, open_stored
from grnformer.core.text import BED_COMMENTS, read_rows, refuse
from grnformer.prep.stored_counts import name_columns, read_stored
from grnformer.prep.text_matrix import read_text_matrix

log = logging.getLogger(__name__)

_FORMATS = "10x .h5, .h5ad, .h5mu, .zarr, a folder with matrix.mtx, or .csv, .tsv, .txt (also .gz)"
_SHEET = "the sample sheet"  # where the file is named, for messages
# what scanpy reads of the group `matrix`
_OF_10X = ("barcodes", "data", "features", "indices", "indptr", "shape")


def read_matrix(path: str | Path, modality: str = "rna") -> anndata.AnnData:
    """Read a count matrix of any supported format, as stored in the file.

    Parameters
    ----------
    path
        Of the file; a place in it may stand behind, see `split_place`.
    modality
        ``rna`` or ``atac``: what a MuData is asked for, where no place is named.

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
    file, place = split_place(path)
    path = Path(file)
    if not path.exists():
        raise InputError(
            f"no file or folder at {path}",
            "an existing path",
            "correct the sample sheet",
        )

    with reading(path):
        data = _read(path, place, modality)

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


def _read(path: Path, place: str, modality: str) -> anndata.AnnData:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffixes = [suffix for suffix in suffixes if suffix != ".gz"]
    match suffixes[-1] if suffixes else "":
        # Before the folders, as a zarr store is one.
        case ".zarr":
            return read_stored(path, place, modality)
        case _ if path.is_dir():
            return _read_folder(path)
        case ".h5ad" | ".h5mu":
            return read_stored(path, place, modality)
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
    data.var = name_columns(data.var)
    return data


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
