"""Counts of an .h5ad, .zarr or .h5mu: which modality, and where in it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.stored import close_stored, open_stored
from grnformer.prep.counts import is_whole
from grnformer.prep.feature_types import kind_column

log = logging.getLogger(__name__)

_HALF = 2048  # up to here float16 holds every whole number


def read_stored(path: Path, place: str, modality: str) -> anndata.AnnData:
    """Read counts of an AnnData or MuData on disk.

    Parameters
    ----------
    place
        See `split_place`; '': of a MuData the modality called `modality`, and in it the first of layer counts, X and
        raw that holds whole numbers.
    modality
        ``rna`` or ``atac``: what is asked for.

    Returns
    -------
    anndata.AnnData
        X sparse, values unchecked; obs with the columns that the modalities of a MuData share.

    Raises
    ------
    InputError
        If the file is neither, or has nothing at `place`.
    """
    if path.suffix.lower() == ".h5mu":
        named, _, slot = place.partition("/")
        stored = _read_modality(path, named or modality)
        path = Path(f"{path}:{named or modality}")
    else:
        _check_root(path)
        read = anndata.read_zarr if path.suffix == ".zarr" else anndata.read_h5ad
        stored, slot = read(path), place

    return _take(stored, slot, path) if slot else _choose_counts(stored, path)


def modalities_of(path: Path) -> list[str]:
    """Names of the modalities of a MuData on disk, sorted.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    root = open_stored(path)
    try:
        return sorted(root["mod"]) if "mod" in root else []
    finally:
        close_stored(root)


def _read_modality(path: Path, name: str) -> anndata.AnnData:
    """One modality of a MuData, with the shared columns of obs that it lacks."""
    import mudata
    from anndata.io import read_elem

    root = open_stored(path)
    try:
        there = sorted(root["mod"]) if "mod" in root else []
        if name not in there:
            other = "rna" if "rna" not in there or name == "atac" else "atac"
            raise InputError(
                f"{path} has no modality {name!r}; it holds {there or sorted(root)}",
                "a MuData with the modalities rna and atac, or the name of one",
                f"name it in the sample sheet: {path.name}:<modality>, such as "
                f"{path.name}:{next(iter(there), other)}",
            )
        shared = read_elem(root["obs"])
    finally:
        close_stored(root)

    data = mudata.read_h5ad(path, mod=name)
    for column in shared.columns.difference(data.obs.columns, sort=False):
        data.obs[column] = shared[column].reindex(data.obs_names)
    return data


def _check_root(path: Path) -> None:
    """Raise InputError unless an .h5ad or .zarr holds an AnnData."""
    root = open_stored(path)
    parts = sorted(root)
    close_stored(root)
    missing = [name for name in ("obs", "var") if name not in parts]
    if not missing and "mod" not in parts:
        return

    if "mod" in parts:
        found, remedy = "a MuData", "write it as .h5mu, or name it so"
    elif "matrix" in parts:
        found, remedy = "a matrix of Cell Ranger", "name it .h5"
    else:
        found, remedy = f"{parts or 'nothing'}", "write it by AnnData, again"
    raise InputError(f"{path} holds {found}", "an AnnData: X, obs and var", remedy)


def _take(stored: anndata.AnnData, slot: str, path: Path) -> anndata.AnnData:
    """The matrix that the sample sheet names, whatever its values."""
    there = {f"layers/{name}": stored.layers[name] for name in stored.layers}
    if stored.X is not None:
        there["X"] = stored.X
    if stored.raw is not None:
        there["raw"] = stored.raw.X
    if slot not in there:
        raise InputError(
            f"{path} has no matrix {slot!r}",
            f"one of {sorted(there)}",
            "correct what stands behind the colon in the sample sheet, or leave it out",
        )
    log.info("%s: counts from %s, as the sample sheet says", path, slot)
    var = stored.raw.var if slot == "raw" else stored.var
    return _as_read(_as_csr(there[slot], path), stored.obs, var)


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
        joint = "/" if ":" in path.name else ":"
        raise InputError(
            f"{path}: no whole numbers in {[name for name, *_ in present]}, but in the layers {others}",
            "raw counts in layer 'counts', in X or in raw, or the name of their layer",
            f"if layer {others[0]!r} holds the raw counts, say so in the sample sheet: "
            f"{path.name}{joint}layers/{others[0]}",
        )

    # If none is whole, the first is returned: the check of counts then says what is wrong with it.
    name, matrix, var = (whole or present)[0]
    _tell_of_others(path, whole)
    log.info("%s: counts from %s", path, name)
    return _as_read(matrix, stored.obs, var)


def _as_read(
    matrix: sp.csr_matrix, obs: pd.DataFrame, var: pd.DataFrame
) -> anndata.AnnData:
    return anndata.AnnData(matrix, obs=obs, var=name_columns(var))


def name_columns(var: pd.DataFrame) -> pd.DataFrame:
    """`var` with our words, gene_id and feature_type, for scanpy's columns; where both are there, ours stay."""
    ours = {"gene_ids": "gene_id"}
    kinds = kind_column(var)
    if "feature_type" not in var and kinds is not None:
        ours[kinds] = "feature_type"
    if "feature_type" in var:
        var = var.drop(columns="feature_types", errors="ignore")
    if "gene_id" in var:
        var = var.drop(columns="gene_ids", errors="ignore")
    return var.rename(columns=ours)


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
