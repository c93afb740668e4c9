"""AnnData on disk, as HDF5 (.h5ad, .h5mu) or as zarr (a folder, format 2 or 3), read and copied a part at a time."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.core.io import MISSING_NUMBERS, atomic, record_hdf5

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
    path = Path(path)
    if not path.exists():
        raise InputError(
            f"no file or folder at {path}",
            "an .h5ad or .zarr",
            "correct the path",
        )

    try:
        if path.is_dir():
            import zarr

            # by the folders themselves: a list made when all was written may name what is gone
            return zarr.open_group(path, mode="r", use_consolidated=False)

        import h5py

        return h5py.File(path, "r")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read: {error}",
            "an .h5ad, or a folder that AnnData.write_zarr wrote",
            "write it again",
        ) from error


def close_stored(root: Any) -> None:
    """Close what `open_stored` opened."""
    # A zarr group has no close of its own: its store has.
    getattr(root, "store", root).close()


def read_names(group: Any, rows: slice = slice(None)) -> np.ndarray:
    """Names of rows of a stored table (obs, var), as str objects."""
    names = group[group.attrs["_index"]]
    # h5py returns text as bytes unless asked for str; zarr returns str.
    if hasattr(names, "asstr"):
        names = names.asstr()
    return names[rows].astype(object)


def read_cell_types(root: Any, path: str | Path) -> pd.Categorical:
    """Cell type of each cell of an open file, as text; categories are those that cells have.

    Raises
    ------
    InputError
        If obs has no column cell_type, or a cell has no type.
    """
    from anndata.io import read_elem

    if "cell_type" not in root["obs"]:
        raise InputError(
            f"{path}: obs has no column cell_type",
            "the cell type of each cell",
            "annotate the cells",
        )

    types = pd.Categorical(read_elem(root["obs/cell_type"]))
    # Words for a missing value, such as NA and nan, are no types.
    words = [name for name in types.categories if str(name) in MISSING_NUMBERS]
    types = types.remove_categories(words)
    untyped = types.isna().sum()
    if untyped:
        raise InputError(
            f"{path}: {untyped} of {len(types)} cells have no cell_type",
            "a type of each cell",
            "annotate or drop them",
        )
    return types.remove_unused_categories().rename_categories(str)


def read_typed_cells(path: str | Path) -> pd.DataFrame:
    """Cell types by cell, the only column ``cell_type`` of obs, from a file; errors as `read_cell_types`."""
    root = open_stored(path)
    types = read_cell_types(root, path)
    names = read_names(root["obs"])
    close_stored(root)
    return pd.DataFrame({"cell_type": types}, index=pd.Index(names))


def read_added(path: str | Path, name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Columns of obs and ``uns[name]`` that `annotate_anndata` wrote; the matrix is not read."""
    from anndata.io import read_elem

    root = open_stored(path)
    found = read_elem(root["obs"]), read_elem(root["uns"][name])
    close_stored(root)
    return found


def read_lazily(path: str | Path) -> anndata.AnnData:
    """AnnData whose X stays on disk; of a zarr store, only X, obs and var are read."""
    import anndata
    from anndata.io import read_elem, sparse_dataset

    root = open_stored(path)
    missing = [name for name in ("X", "obs", "var") if name not in root]
    if missing:
        raise InputError(
            f"{path} holds {sorted(root)}",
            f"an AnnData with {missing}",
            "write it by write_h5ad or write_zarr",
        )
    if not Path(path).is_dir():
        close_stored(root)
        return anndata.read_h5ad(path, backed="r")

    x = root["X"]
    if _is_sparse(x):
        x = sparse_dataset(x)
    return anndata.AnnData(
        X=x,
        obs=read_elem(root["obs"]),
        var=read_elem(root["var"]),
    )


def annotate_anndata(
    source: str | Path,
    path: str | Path,
    contract: str,
    *,
    obs: pd.DataFrame,
    obsm: dict[str, np.ndarray],
    uns: dict[str, Any],
) -> None:
    """Copy an .h5ad or .zarr to an .h5ad with further columns of obs (rows in its order), obsm and uns.

    X is never in memory as a whole. What is added is checked against `contract`, and replaces elements of the same
    name.
    """
    import anndata
    import h5py
    from anndata.io import read_elem, write_elem

    # The contract checks an AnnData: one gene stands for the matrix that is only copied.
    one_gene = np.zeros((len(obs), 1), np.float32)
    added = anndata.AnnData(
        one_gene, obs.copy(), pd.DataFrame(index=["-"]), obsm=obsm, uns=uns
    )
    contracts.check(added, contract, where=path)

    with atomic(path) as temporary:
        copy_to_h5ad(source, temporary)
        with h5py.File(temporary, "r+") as handle:
            table = read_elem(handle["obs"])
            # Rows correspond by position: the names of `obs` need not be those of the file.
            columns = {name: column.array for name, column in obs.items()}
            write_elem(handle, "obs", table.assign(**columns))

            for slot, elements in (("obsm", obsm), ("uns", uns)):
                if slot not in handle:
                    write_elem(handle, slot, {})
                for name, element in elements.items():
                    write_elem(handle[slot], name, element)
        # in place of one that came with the source
        record_hdf5(temporary)


def copy_to_h5ad(source: str | Path, target: Path) -> None:
    """Copy a stored AnnData to a new .h5ad at `target`, a block of rows at a time.

    Raises
    ------
    InputError
        As `open_stored`.
    """
    import h5py
    from anndata.io import read_elem, write_elem

    root = open_stored(source)
    if isinstance(root, h5py.File):
        close_stored(root)
        # HDF5 already: nothing to convert.
        shutil.copyfile(source, target)
        return

    with h5py.File(target, "w") as handle:
        handle.attrs.update(
            {key: root.attrs[key] for key in ("encoding-type", "encoding-version")}
        )
        for name in root:
            if name == "X":
                _copy_matrix(root, handle, name)
            elif name == "layers":
                write_elem(handle, name, {})
                for layer in root[name]:
                    _copy_matrix(root[name], handle[name], layer)
            else:
                write_elem(handle, name, read_elem(root[name]))
    close_stored(root)


def _is_sparse(matrix: Any) -> bool:
    return matrix.attrs.get("encoding-type") in _SPARSE


def _copy_matrix(source: Any, target: Any, name: str) -> None:
    """Copy a sparse group or a dense array."""
    stored = source[name]
    if _is_sparse(stored):
        copy = target.create_group(name)
        for key in ("data", "indices", "indptr"):
            _copy_array(stored[key], copy, key)
    else:
        copy = _copy_array(stored, target, name)

    # They say how the elements are encoded, and of a sparse matrix its shape.
    copy.attrs.update(dict(stored.attrs))


def _copy_array(source: Any, target: Any, name: str) -> Any:
    copy = target.create_dataset(
        name, source.shape, source.dtype, chunks=True, compression="gzip"
    )
    row_size = int(np.prod(source.shape[1:], dtype=int))
    # At least a row, however wide it is.
    step = max(1, _AT_ONCE // row_size)
    for start in range(0, source.shape[0], step):
        block = slice(start, start + step)
        copy[block] = source[block]
    return copy
