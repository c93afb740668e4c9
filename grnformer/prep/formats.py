"""The file formats of count matrices: 10x .h5, .h5ad, .zarr, folders with matrix.mtx, CSV and TSV."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.prep.counts import is_whole
from grnformer.prep.text_matrix import read_text_matrix

log = logging.getLogger("grnformer.prep")


def read_matrix(path: str | Path) -> anndata.AnnData:
    """Read a count matrix of any supported format, as it lies in the file.

    Returns
    -------
    anndata.AnnData
        X sparse, values unchecked. `var` may hold ``gene_id`` and ``feature_type`` (10x' words: Gene Expression,
        Peaks). A text matrix may lie on its side: see `orient` in `features`.

    Raises
    ------
    InputError
        If the format is unknown or the file cannot be read as what its name says.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"no file or folder at {path}", "an existing path", "correct the sample sheet")
    reader = _read_folder if path.is_dir() and path.suffix != ".zarr" else _by_suffix(path)
    try:
        data = reader(path)
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read: {error}",
            "10x .h5, .h5ad, .zarr, a folder with matrix.mtx, .csv or .tsv",
            "check the file",
        ) from error
    log.info("%s: %d x %d", path, data.n_obs, data.n_vars)
    return data


def _by_suffix(path: Path) -> Callable[[Path], anndata.AnnData]:
    suffixes = [s for s in path.suffixes if s != ".gz"]
    readers = {".h5": _read_10x_h5, ".h5ad": _read_anndata, ".zarr": _read_anndata}
    readers |= dict.fromkeys((".csv", ".tsv", ".txt"), _read_text)
    if not suffixes or suffixes[-1] not in readers:
        raise InputError(
            f"{path}: a format not known by its name",
            "10x .h5, .h5ad, .zarr, a folder with matrix.mtx, or .csv, .tsv, .txt (also .gz)",
            "convert or rename the file",
        )
    return readers[suffixes[-1]]


def _read_10x_h5(path: Path) -> anndata.AnnData:
    import warnings

    import scanpy as sc

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*names are not unique")  # symbols repeat: summed later
        data = sc.read_10x_h5(path, gex_only=False)
    data.var = data.var.rename(columns={"gene_ids": "gene_id", "feature_types": "feature_type"})
    return data


def _read_anndata(path: Path) -> anndata.AnnData:
    stored = anndata.read_zarr(path) if path.suffix == ".zarr" else anndata.read_h5ad(path)
    candidates = [("layer 'counts'", stored.layers.get("counts"), stored.var), ("X", stored.X, stored.var)]
    if stored.raw is not None:
        candidates.append(("raw", stored.raw.X, stored.raw.var))
    present = [(name, sp.csr_matrix(matrix), var) for name, matrix, var in candidates if matrix is not None]
    if not present:
        raise InputError(f"{path} holds no matrix", "counts in X, in layer 'counts' or in raw", "give another file")
    # None whole: hand over the first, so that the check of counts tells what is wrong with it.
    name, matrix, var = next((entry for entry in present if is_whole(entry[1].data)), present[0])
    log.info("%s: counts from %s", path, name)
    var = var.rename(columns={"gene_ids": "gene_id", "feature_types": "feature_type"})
    return anndata.AnnData(matrix, obs=stored.obs, var=var)


def _read_text(path: Path) -> anndata.AnnData:
    matrix, rows, columns = read_text_matrix(path)
    return anndata.AnnData(matrix, obs=pd.DataFrame(index=_names(rows)), var=pd.DataFrame(index=_names(columns)))


def _read_folder(folder: Path) -> anndata.AnnData:
    """10x' matrix folders: Cell Ranger 2, 3, ARC (features with Peaks) and ATAC (peaks.bed)."""
    import scipy.io

    matrix_file = _find(folder, "matrix.mtx")
    barcodes = _lines(_find(folder, "barcodes.tsv"))[0]
    features_file = _find(folder, "features.tsv", "genes.tsv", "peaks.bed")
    table = _lines(features_file)
    if features_file.name.startswith("peaks.bed"):
        names = table[0] + ":" + table[1] + "-" + table[2]
        var = pd.DataFrame({"feature_type": "Peaks"}, index=_names(names))
    elif table.shape[1] == 1:
        var = pd.DataFrame(index=_names(table[0]))
    else:
        var = pd.DataFrame({"gene_id": table[0].to_numpy()}, index=_names(table[1]))
        if table.shape[1] > 2:
            var["feature_type"] = table[2].to_numpy()
    with gzip.open(matrix_file, "rb") if matrix_file.suffix == ".gz" else matrix_file.open("rb") as handle:
        try:
            matrix = sp.csr_matrix(scipy.io.mmread(handle, spmatrix=True)).T.tocsr()
        except ValueError as error:
            raise InputError(f"{matrix_file}: {error}", "a Matrix Market file", "write it again") from error
    if matrix.shape != (len(barcodes), len(var)):
        raise InputError(
            f"{matrix_file} is {matrix.shape[1]} x {matrix.shape[0]}",
            f"{len(var)} features ({features_file.name}) x {len(barcodes)} barcodes",
            "take the three files from the same folder",
        )
    return anndata.AnnData(matrix, obs=pd.DataFrame(index=_names(barcodes)), var=var)


def _find(folder: Path, *names: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise InputError(
        f"{folder} holds {sorted(p.name for p in folder.iterdir())[:10]}",
        f"{' or '.join(names)} (also .gz), beside matrix.mtx, barcodes.tsv and features.tsv",
        "give the folder that holds the three files of one matrix",
    )


def _lines(path: Path) -> pd.DataFrame:
    comment = "#" if path.name.startswith("peaks.bed") else None  # a barcode may be sample#ACGT
    try:
        return pd.read_csv(path, sep="\t", header=None, dtype=str, keep_default_na=False, comment=comment)
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{path} is empty", "one name a line", "give another folder") from error


def _names(values: list[str] | pd.Series | np.ndarray) -> pd.Index:
    return pd.Index(np.asarray(values, dtype=object).astype(str))
