"""AnnData on disk, as HDF5 (.h5ad, .h5mu) or as zarr (a folder, format 2 or 3), read and copied a part at a time."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import anndata

_AT_ONCE = 10_000_000  # values
_SPARSE = ("csr_matrix", "csc_matrix")


def open_stored(path: str | Path) -> Any:
    """Open the root group to read: an h5py.File, or for a folder a zarr.Group, which are read in the same way.

    Raises
    ------
    InputError
        If there is nothing at `path`, or nothing of either kind.
    """
    if not Path(path).exists():
        raise InputError(f"no file or folder at {path}", "an .h5ad or .zarr", "correct the path")
    try:
        if Path(path).is_dir():
            import zarr

            return zarr.open_group(path, mode="r")
        import h5py

        return h5py.File(path, "r")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read: {error}", "an .h5ad, or a folder that AnnData.write_zarr wrote", "write it again"
        ) from error


def close_stored(root: Any) -> None:
    """Close what `open_stored` opened."""
    getattr(root, "store", root).close()


def read_names(group: Any, rows: slice = slice(None)) -> np.ndarray:
    """Names of rows of a stored table (obs, var), as str objects."""
    names = group[group.attrs["_index"]]
    return (names.asstr() if hasattr(names, "asstr") else names)[rows].astype(object)


def read_cell_types(root: Any, path: str | Path) -> pd.Categorical:
    """Cell type of each cell of an open file, as text; categories are those that cells have.

    Raises
    ------
    InputError
        If obs has no column cell_type, or a cell has no type.
    """
    from anndata.io import read_elem

    if "cell_type" not in root["obs"]:
        raise InputError(f"{path}: obs has no column cell_type", "the cell type of each cell", "annotate the cells")
    types = pd.Categorical(read_elem(root["obs/cell_type"]))
    untyped = int((types.codes < 0).sum())
    if untyped:
        raise InputError(
            f"{path}: {untyped} of {len(types)} cells have no cell_type", "a type of each cell", "annotate or drop them"
        )
    return types.remove_unused_categories().rename_categories(str)


def read_typed_cells(path: str | Path) -> pd.DataFrame:
    """obs of a file with the column cell_type alone, by `read_cell_types`."""
    root = open_stored(path)
    cells = pd.DataFrame({"cell_type": read_cell_types(root, path)}, index=pd.Index(read_names(root["obs"])))
    close_stored(root)
    return cells


def read_lazily(path: str | Path) -> anndata.AnnData:
    """AnnData whose X stays on disk; of a zarr store, only X, obs and var are there."""
    import anndata
    from anndata.io import read_elem, sparse_dataset

    if not Path(path).is_dir():
        return anndata.read_h5ad(path, backed="r")
    root = open_stored(path)
    for name in ("X", "obs", "var"):
        if name not in root:
            raise InputError(f"{path} holds {sorted(root)}", f"an AnnData with {name}", "write it by write_zarr")
    sparse = root["X"].attrs.get("encoding-type") in _SPARSE
    x = sparse_dataset(root["X"]) if sparse else root["X"]
    return anndata.AnnData(X=x, obs=read_elem(root["obs"]), var=read_elem(root["var"]))


def copy_to_h5ad(source: str | Path, target: Path) -> None:
    """Copy a stored AnnData to a new .h5ad at `target`, values of matrices some at a time."""
    if not Path(source).is_dir():
        shutil.copyfile(source, target)
        return
    import h5py
    from anndata.io import read_elem, write_elem

    root = open_stored(source)
    with h5py.File(target, "w") as handle:
        handle.attrs.update({key: root.attrs[key] for key in ("encoding-type", "encoding-version")})
        for name in root:
            if name == "layers":
                write_elem(handle, name, {})
                for layer in root[name]:
                    _copy_matrix(root[name], handle[name], layer)
            elif name == "X":
                _copy_matrix(root, handle, name)
            else:
                write_elem(handle, name, read_elem(root[name]))
    close_stored(root)


def _copy_matrix(source: Any, target: Any, name: str) -> None:
    """Copy a sparse group or a dense array."""
    stored = source[name]
    arrays = ("data", "indices", "indptr") if stored.attrs.get("encoding-type") in _SPARSE else ()
    copy = target.create_group(name) if arrays else _copy_array(stored, target, name)
    for key in arrays:
        _copy_array(stored[key], copy, key)
    copy.attrs.update(dict(stored.attrs))


def _copy_array(source: Any, target: Any, name: str) -> Any:
    copy = target.create_dataset(name, source.shape, source.dtype, chunks=True, compression="gzip")
    step = max(1, _AT_ONCE // int(np.prod(source.shape[1:], dtype=int)))
    for start in range(0, source.shape[0], step):
        copy[start : start + step] = source[start : start + step]
    return copy
