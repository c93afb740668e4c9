"""Reading and writing files: atomically, and checked against their contracts.

Every writer validates first, writes to a temporary name in the same folder and renames, so that an
output is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grnformer import contracts
from grnformer.errors import InputError

if TYPE_CHECKING:
    import anndata
    import mudata
    import numpy as np
    import pandas as pd


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` (same suffix); renamed to `path` on success, removed on failure.

    Works for files and, if the caller makes one at the temporary path, for folders.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def write_table(frame: pd.DataFrame, path: str | Path, contract: str) -> None:
    """Write a table as Parquet or TSV (by the suffix of `path`) after checking it against `contract`.

    The index is not written: what matters must be a column.
    """
    path = Path(path)
    contracts.check(frame, contract, where=str(path))
    with atomic(path) as temporary:
        if path.suffix == ".parquet":
            frame.to_parquet(temporary, index=False, compression="zstd")
        elif path.suffix == ".tsv":
            frame.to_csv(temporary, sep="\t", index=False, float_format="%.6g")
        else:
            raise ValueError(f"a table is written as .parquet or .tsv, not {path.suffix!r}")


def read_table(path: str | Path, contract: str) -> pd.DataFrame:
    """Read a Parquet or TSV table and check it against `contract`."""
    import pandas as pd

    path = _existing(path)
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
    else:
        frame = pd.read_csv(path, sep="\t", dtype=contracts.text_columns(contract))
        if frame.empty:  # text without rows says nothing of its types
            frame = frame.astype({c: t for c, t in contracts.numeric_columns(contract).items() if c in frame})
    contracts.check(frame, contract, where=str(path))
    return frame


def write_anndata(data: anndata.AnnData, path: str | Path, contract: str) -> None:
    """Write an AnnData as .h5ad after checking it against `contract`."""
    contracts.check(data, contract, where=str(path))
    with atomic(path) as temporary:
        data.write_h5ad(temporary, compression="gzip")


def read_anndata(path: str | Path, contract: str) -> anndata.AnnData:
    """Read an .h5ad and check it against `contract`."""
    import anndata

    data = anndata.read_h5ad(_existing(path))
    contracts.check(data, contract, where=str(path))
    return data


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

    X is copied without being held as a whole.

    What is added is checked against `contract`; of the same names, the new replace the old.
    """
    import anndata
    import h5py
    import numpy as np
    import pandas as pd
    from anndata.io import read_elem, write_elem

    from grnformer.stored import copy_to_h5ad

    added = anndata.AnnData(
        np.zeros((len(obs), 1), np.float32), obs.copy(), pd.DataFrame(index=["-"]), obsm=obsm, uns=uns
    )
    contracts.check(added, contract, where=str(path))
    with atomic(path) as temporary:
        copy_to_h5ad(_existing(source), temporary)
        with h5py.File(temporary, "r+") as handle:
            table = read_elem(handle["obs"])
            write_elem(handle, "obs", table.assign(**{name: column.array for name, column in obs.items()}))
            for slot, elements in (("obsm", obsm), ("uns", uns)):
                if slot not in handle:
                    write_elem(handle, slot, {})
                for name, element in elements.items():
                    write_elem(handle[slot], name, element)


def write_mudata(data: mudata.MuData, path: str | Path, contract: str) -> None:
    """Write a MuData as .h5mu after checking it against `contract`."""
    contracts.check(data, contract, where=str(path))
    with atomic(path) as temporary:
        data.write_h5mu(temporary, compression="gzip")


def read_mudata(path: str | Path, contract: str) -> mudata.MuData:
    """Read an .h5mu and check it against `contract`."""
    import mudata

    mudata.set_options(pull_on_update=False)
    data = mudata.read_h5mu(_existing(path))
    contracts.check(data, contract, where=str(path))
    return data


def read_modality(path: str | Path, modality: str, contract: str) -> anndata.AnnData:
    """Read one modality of an .h5mu, with the shared columns of the MuData's obs joined to its own.

    Cheaper than `read_mudata` where a stage needs only RNA or only ATAC. `contract` is the contract of
    the whole MuData; the part of this modality and the shared obs columns are checked.
    """
    import mudata
    from anndata.io import read_elem

    path = _existing(path)
    data = mudata.read_h5ad(path, mod=modality)
    import h5py

    with h5py.File(path, "r") as handle:
        shared = read_elem(handle["obs"])
    for column in contracts.obs_columns(contract):
        if column in shared:
            data.obs[column] = shared[column].reindex(data.obs_names)
    contracts.check_modality(data, contract, modality, where=f"{path}[{modality}]")
    return data


def read_shared_embedding(path: str | Path, key: str) -> np.ndarray | None:
    """Read one array of the MuData's own obsm from an .h5mu, (cells, dimensions), or None where it has none."""
    import h5py

    with h5py.File(_existing(path), "r") as handle:
        return handle["obsm"][key][()] if key in handle.get("obsm", {}) else None


def write_json(content: dict[str, Any], path: str | Path, contract: str | None = None) -> None:
    """Write JSON (sorted keys, two spaces), checked against `contract` where one is named."""
    if contract:
        contracts.check(content, contract, where=str(path))
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_json(path: str | Path, contract: str | None = None) -> dict[str, Any]:
    """Read JSON, checked against `contract` where one is named."""
    content = json.loads(_existing(path).read_text(encoding="utf-8"))
    if contract:
        contracts.check(content, contract, where=str(path))
    return content


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.exists():
        raise InputError(f"no file at {path}", "an existing, readable file", "correct the path")
    return path
