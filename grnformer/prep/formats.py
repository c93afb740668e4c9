"""The file formats of count matrices: 10x .h5, .h5ad, .zarr, folders with matrix.mtx, CSV and TSV."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import anndata
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.prep.counts import is_whole
from grnformer.prep.text_matrix import read_text_matrix

log = logging.getLogger(__name__)

_FORMATS = (
    "10x .h5, .h5ad, .zarr, a folder with matrix.mtx, or .csv, .tsv, .txt (also .gz)"
)
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

    try:
        data = _read(path)
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read: {error}",
            _FORMATS,
            "check the file",
        ) from error

    log.info("%s: %d x %d", path, data.n_obs, data.n_vars)
    return data


def _read(path: Path) -> anndata.AnnData:
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    match suffixes[-1] if suffixes else "":
        # Before the folders, as a zarr store is one.
        case ".zarr":
            return _choose_counts(anndata.read_zarr(path), path)
        case _ if path.is_dir():
            return _read_folder(path)
        case ".h5ad":
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

    with warnings.catch_warnings():
        # Symbols repeat: their counts are summed later.
        warnings.filterwarnings("ignore", message=".*names are not unique")
        # Peaks too: the same file may be both modalities of the sample.
        data = sc.read_10x_h5(path, gex_only=False)
    data.var = data.var.rename(columns=_SCANPY_COLUMNS)
    return data


def _choose_counts(stored: anndata.AnnData, path: Path) -> anndata.AnnData:
    """The first of layer counts, X and raw that holds whole numbers."""
    candidates = [
        ("layer 'counts'", stored.layers.get("counts"), stored.var),
        ("X", stored.X, stored.var),
    ]
    if stored.raw is not None:
        candidates.append(("raw", stored.raw.X, stored.raw.var))

    present = [
        (name, sp.csr_matrix(matrix), var)
        for name, matrix, var in candidates
        if matrix is not None
    ]
    if not present:
        raise InputError(
            f"{path} holds no matrix",
            "counts in X, in layer 'counts' or in raw",
            "give another file",
        )

    # If none is whole, the first is returned: the check of counts then says what is wrong with it.
    whole = (candidate for candidate in present if is_whole(candidate[1].data))
    name, matrix, var = next(whole, present[0])
    log.info("%s: counts from %s", path, name)
    return anndata.AnnData(
        matrix, obs=stored.obs, var=var.rename(columns=_SCANPY_COLUMNS)
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
    barcodes = _lines(_find(folder, "barcodes.tsv"))[0]
    features_file = _find(folder, "features.tsv", "genes.tsv", "peaks.bed")
    features = _features(_lines(features_file), features_file)

    try:
        matrix = scipy.io.mmread(matrix_file, spmatrix=True)
    except ValueError as error:
        raise InputError(
            f"{matrix_file}: {error}",
            "a Matrix Market file",
            "write it again",
        ) from error

    # 10x writes features x barcodes; transposed at the end.
    if matrix.shape != (len(features), len(barcodes)):
        raise InputError(
            f"{matrix_file} is {matrix.shape[0]} x {matrix.shape[1]}",
            f"{len(features)} features ({features_file.name}) x {len(barcodes)} barcodes",
            "take the three files from the same folder",
        )
    return anndata.AnnData(
        sp.csr_matrix(matrix.T),
        obs=pd.DataFrame(index=barcodes.to_numpy()),
        var=features,
    )


def _features(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Features named as in the file, with the columns that it has beside the name."""
    if path.name.startswith("peaks.bed"):
        names = table[0] + ":" + table[1] + "-" + table[2]
        return pd.DataFrame({"feature_type": "Peaks"}, index=names.to_numpy())

    # The columns of 10x are id, name, type; other tools write only names.
    n_columns = table.shape[1]
    columns = (
        ["name"] if n_columns == 1 else ["gene_id", "name", "feature_type"][:n_columns]
    )
    named = table.iloc[:, : len(columns)].set_axis(columns, axis=1)
    return named.set_index("name").rename_axis(None)


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


def _lines(path: Path) -> pd.DataFrame:
    # Comments only in a BED: a barcode may be sample#ACGT.
    comment = "#" if path.name.startswith("peaks.bed") else None
    try:
        return pd.read_csv(
            path,
            sep="\t",
            header=None,
            dtype=str,
            keep_default_na=False,
            comment=comment,
        )
    except pd.errors.EmptyDataError as error:
        raise InputError(
            f"{path} is empty",
            "one name a line",
            "give another folder",
        ) from error
