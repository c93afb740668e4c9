"""The run as a .loom for SCope, in the layout that pySCENIC writes.

Loom 3 (https://linnarssonlab.org/loompy/format) with SCope's attributes: Regulons of genes, RegulonsAUC, Embedding and
Clusterings of cells, and MetaData, a JSON that names them and holds the thresholds of activity.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.api.run import Run
from grnformer.core import io
from grnformer.export.edges import Unfit

if TYPE_CHECKING:
    import anndata
    import h5py
    import pandas as pd
    import scipy.sparse as sp

_AT_ONCE = 4_000_000  # values of the dense matrix
_CHUNK = 64  # genes and cells, as loompy has it


def write(run: Run, folder: Path) -> None:
    """Write ``<dataset>.loom``: counts as the matrix, genes x cells.

    Raises
    ------
    Unfit
        If there are too many eRegulons for HDF5 to hold as the columns of one attribute.
    """
    path = folder / f"{run.dataset}.loom"
    cells = run.read_cells("rna")
    activity = run.activity[cells.obs_names]
    with io.atomic(path) as temporary:
        write_loom(temporary, cells, activity, run.eregulons, run.dataset)


def write_loom(
    path: Path,
    cells: anndata.AnnData,
    activity: anndata.AnnData,
    eregulons: pd.DataFrame,
    title: str,
) -> None:
    """Write the loom.

    Parameters
    ----------
    cells
        Cells x genes, with counts in the layer ``counts``.
    activity
        Contract ``cell_activity``, the same cells in the same order.
    eregulons
        Contract ``eregulons``.
    """
    import h5py

    counts = cells.layers["counts"].tocsr()
    held = eregulons.groupby("eregulon")["gene"].agg(set)
    # SCope finds the TF before the space
    names = {name: f"{name} ({len(held[name])}g)" for name in activity.var_names}

    types = sorted(set(activity.obs["cell_type"].astype(str)))
    cluster = activity.obs["cell_type"].astype(str).map(types.index).to_numpy(np.int64)
    members = np.column_stack([cells.var_names.isin(held[name]) for name in names])
    x, y = np.asarray(activity.obsm["X_umap"], np.float32).T
    auc = np.asarray(activity.X, np.float64)

    rows: dict[str, Any] = {
        "Gene": _texts(cells.var_names),
        "Regulons": _record(members.astype(np.int64), list(names.values())),
    }
    columns: dict[str, Any] = {
        "CellID": _texts(cells.obs_names),
        "nGene": counts.getnnz(axis=1).astype(np.int64),
        "nUMI": np.asarray(counts.sum(axis=1)).ravel(),
        "Embedding": _record(np.column_stack([x, y]), ["_X", "_Y"]),
        # further embeddings have a number; -1 is the default one
        "Embeddings_X": _record(x[:, None], ["-1"]),
        "Embeddings_Y": _record(y[:, None], ["-1"]),
        "RegulonsAUC": _record(auc, list(names.values())),
        "Clusterings": _record(cluster[:, None], ["0"]),
        "ClusterID": cluster,
    }
    meta = describe(types, activity.var["threshold"].rename(index=names))
    about = {
        "title": title,
        "MetaData": json.dumps(meta),
        "Genome": "Unknown",
        "LOOM_SPEC_VERSION": "3.0.0",
        **{f"SCopeTreeL{level}": "" for level in (1, 2, 3)},
    }

    # the layout of HDF5 1.8 and later takes half the room for the names of columns
    with h5py.File(path, "w", libver=("v108", "latest")) as handle:
        for group in ("layers", "row_graphs", "col_graphs"):
            handle.create_group(group)
        _write_all(handle, "row_attrs", rows)
        _write_all(handle, "col_attrs", columns)
        for name, text in about.items():
            handle.create_dataset(f"attrs/{name}", data=text, dtype=h5py.string_dtype())
        _write_matrix(handle, counts)
    io.record_hdf5(path)


def describe(types: list[str], thresholds: pd.Series) -> dict[str, Any]:
    """SCope's MetaData: embeddings, clusterings and thresholds by their names.

    Parameters
    ----------
    types
        Cell types in the order of their numbers.
    thresholds
        AUC above which a regulon is active, by regulon.
    """
    clusters = [
        {"id": number, "description": name} for number, name in enumerate(types)
    ]
    return {
        "embeddings": [{"id": -1, "name": "UMAP (default)"}],
        "annotations": [{"name": "", "values": []}],
        "clusterings": [
            {"id": 0, "group": "celltype", "name": "Cell Type", "clusters": clusters}
        ],
        "regulonThresholds": [
            {
                "regulon": name,
                "defaultThresholdValue": float(value),
                "defaultThresholdName": "gaussian_mixture_split",
                "allThresholds": {"gaussian_mixture_split": float(value)},
                "motifData": "",
            }
            for name, value in thresholds.items()
        ],
    }


def _texts(names: pd.Index) -> np.ndarray:
    import h5py

    return np.array(names.astype(str), dtype=h5py.string_dtype())


def _record(values: np.ndarray, names: list[str]) -> np.ndarray:
    """A table as one attribute: a field a column; fields are named, so each stands by itself."""
    fields = np.dtype([(name, values.dtype) for name in names])
    return np.ascontiguousarray(values).view(fields).ravel()


def _write_all(handle: h5py.File, group: str, attributes: dict[str, Any]) -> None:
    for name, values in attributes.items():
        try:
            handle.create_dataset(f"{group}/{name}", data=values, compression="gzip")
        except (OSError, ValueError) as error:
            if "header" not in str(error):
                raise
            raise Unfit(
                f"{len(values.dtype)} eRegulons, whose names fill more than 64 kB",
                "as many as HDF5 holds as columns of one attribute of a .loom, about 1,500",
                "filter eRegulons (grn.quality), or leave this format out: scenicplus and gmt hold them all",
            ) from error


def _write_matrix(handle: h5py.File, counts: sp.csr_matrix) -> None:
    """Write genes x cells, dense as loom has it, some genes at a time."""
    n_cells, n_genes = counts.shape
    chunks = (min(_CHUNK, n_genes), min(_CHUNK, n_cells))
    matrix = handle.create_dataset(
        "matrix", (n_genes, n_cells), np.int32, chunks=chunks, compression="gzip"
    )
    by_gene = counts.tocsc()
    for block in _blocks(n_genes, max(_CHUNK, _AT_ONCE // n_cells)):
        matrix[block] = by_gene[:, block].toarray().T


def _blocks(n: int, step: int) -> Iterator[slice]:
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
