"""Reading and writing files: atomically, and checked against their contracts.

Every writer validates first, writes to a temporary name in the same folder and renames: an output is either complete
or absent. Parquet, .h5ad and .h5mu carry the record of the job that writes them (`grnformer.core.record`).
"""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from grnformer.core import contracts, record
from grnformer.core.errors import InputError, WriteFault
from grnformer.core.text import (
    MISSING_NUMBERS,
    check_rectangle,
    existing,
    read_parquet,
    read_text,
)

if TYPE_CHECKING:
    import anndata
    import mudata
    import numpy as np
    import pandas as pd


T = TypeVar("T")
# of the file system, and of a user's share of it
_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_COMPRESSION = "zstd"  # of Parquet


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` (same suffix); renamed to `path` on success, removed on failure.

    Works for files and, if the caller makes one at the temporary path, for folders.

    Raises
    ------
    InputError
        WriteFault, if the disk is full or the folder cannot be written to, see `write_faults_named`.
    """
    path = Path(path)

    # In the same folder, since a rename is atomic only within one file system.
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    with write_faults_named(path.parent, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary

        # A folder replaces only an empty one; files are replaced in one step.
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        os.replace(temporary, path)


@contextmanager
def write_faults_named(folder: Path, temporary: Path) -> Iterator[None]:
    """Remove `temporary` on failure; name the folder where the disk is full or cannot be written to.

    Libraries give a full disk many names (torch: "unexpected pos", numpy: "1000 requested and 512 written"), so what
    counts is the chain of errors, or else whether the folder takes a few bytes more.

    Raises
    ------
    WriteFault
        In place of the library's error.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        fault = _write_fault(folder, error)
        if fault is None:
            raise
        raise fault from error
    finally:
        _remove(temporary)


def _write_fault(folder: Path, error: BaseException) -> WriteFault | None:
    number = _probe(folder)
    if number in _FULL or _tells_of_full_disk(error):
        free = shutil.disk_usage(folder).free / 2**20
        return WriteFault(
            f"no space left in {folder} ({free:.1f} MB free)",
            "room for the output",
            f"make room or have your quota raised (df -h {folder}), then run the same command again: finished outputs "
            "and checkpoints are kept",
        )
    if number in _READ_ONLY:
        return WriteFault(
            f"the folder {folder} cannot be written to ({os.strerror(number)})",
            "a folder for results that this user may write to",
            "change its permissions or how it is mounted, or run in another folder (snakemake --directory)",
        )
    return None


def _tells_of_full_disk(error: BaseException | None) -> bool:
    """Whether an error or one that it came from does, by its number or (of libraries in C and Rust) by its words."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if any(os.strerror(number) in str(error) for number in _FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def _probe(folder: Path) -> int | None:
    """Error number of an attempt to write into the folder; None where it succeeds."""
    probe = folder / f".{uuid.uuid4().hex[:8]}.probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(1 << 16))
            os.fsync(file.fileno())
    except FileNotFoundError:
        return _probe(folder.parent)
    except OSError as error:
        return error.errno
    finally:
        with suppress(OSError):
            probe.unlink()
    return None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        # Emptied first: HDF5 may still hold it open, and ends in a fault of memory if it cannot write at its end.
        os.truncate(path, 0)
        path.unlink()


def write_table(frame: pd.DataFrame, path: str | Path, contract: str) -> None:
    """Write a table as Parquet or TSV (by the suffix of `path`) after checking it against `contract`.

    The index is not written: what matters must be a column. In a TSV a missing value is the empty field.

    Raises
    ------
    InputError
        If the table breaks its contract, or holds text that a TSV cannot give back: an empty text in a nullable
        column, which would be read as missing, or a carriage return or NUL.
    """
    path = Path(path)
    contracts.check(frame, contract, where=path)
    if path.suffix == ".tsv":
        _check_fields(frame, path, contract)

    with atomic(path) as temporary:
        if path.suffix == ".parquet":
            _write_parquet(frame, temporary)
        elif path.suffix == ".tsv":
            frame.to_csv(temporary, sep="\t", index=False, float_format="%.6g")
        else:
            raise ValueError(
                f"a table is written as .parquet or .tsv, not {path.suffix!r}"
            )


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    if made := record.current():
        carried = {**table.schema.metadata, record.KEY: record.as_text(made)}
        table = table.replace_schema_metadata(carried)
    pyarrow.parquet.write_table(table, path, compression=_COMPRESSION)


def read_table(
    path: str | Path, contract: str, columns: list[str] | None = None
) -> pd.DataFrame:
    """Read a Parquet or TSV table and check it against `contract`.

    Text of a TSV is read verbatim (NA, None and 007 are names). An empty field is a missing value in a nullable column
    and the empty text in any other text column.

    Parameters
    ----------
    columns
        Of a Parquet table, those that are needed: the others are neither read nor checked, as lists of text take long.
    """
    path = existing(path)
    frame = (
        read_parquet(path, columns=columns)
        if path.suffix == ".parquet"
        else _read_tsv(path, contract)
    )
    contracts.check(frame, contract, where=path, columns=columns)
    return frame


def read_delimited(
    path: str | Path, separator: str, text: Collection[str]
) -> pd.DataFrame:
    """Read a table with a header line: the columns `text` verbatim, all others as pandas infers them.

    Without this, pandas takes genes and cell types called NA, nan or None for missing values, and 007 for 7.

    Parameters
    ----------
    text
        Names of the columns that hold text; those that the file lacks are ignored. Their empty fields are ''.
    """
    import pandas as pd

    content = read_text(path)
    # pandas would fill a short line, and take the first column of a long one for names.
    check_rectangle(content, separator, path, "the path")

    # The header first: pandas takes types and missing words by column.
    columns = pd.read_csv(StringIO(content), sep=separator, nrows=0).columns
    words = {column: MISSING_NUMBERS for column in columns if column not in text}
    types = {column: str for column in columns if column in text}
    return pd.read_csv(
        StringIO(content),
        sep=separator,
        dtype=types,
        na_values=words,
        keep_default_na=False,
    )


def _read_tsv(path: Path, contract: str) -> pd.DataFrame:
    # Which columns are text depends on those that are there.
    header = next(csv.reader(StringIO(read_text(path)), delimiter="\t"), [])
    frame = read_delimited(path, "\t", contracts.text_columns(contract, header))

    # pandas cannot infer the types of columns without rows.
    if frame.empty:
        types = contracts.numeric_columns(contract)
        frame = frame.astype(
            {column: types[column] for column in frame if column in types}
        )

    # Text is read verbatim, so a missing one is still the empty text.
    for column in contracts.text_columns(contract, header, nullable=True):
        frame[column] = frame[column].mask(frame[column] == "")
    return frame


def _check_fields(frame: pd.DataFrame, path: Path, contract: str) -> None:
    nullable = contracts.text_columns(contract, frame.columns, nullable=True)
    for column in contracts.text_columns(contract, frame.columns):
        text = frame[column].dropna().astype(object)

        # pandas quotes tabs, quotes and line feeds, but neither a carriage return nor NUL, at which its reader cuts.
        broken = text[text.str.contains("[\r\0]", regex=True)]
        if len(broken):
            raise InputError(
                f"{path} column {column!r}: {broken.iloc[0]!r}",
                "text without carriage return and NUL, which a TSV cannot hold",
                "rename it in the input",
            )

        if column in nullable and (text == "").any():
            raise InputError(
                f"{path} column {column!r}: an empty text",
                "a missing value where there is no text: in a TSV both are the empty field",
                "correct the stage that wrote the table",
            )


def write_anndata(data: anndata.AnnData, path: str | Path, contract: str) -> None:
    """Write an AnnData as .h5ad after checking it against `contract`."""
    contracts.check(data, contract, where=path)
    with atomic(path) as temporary:
        data.write_h5ad(temporary, compression="gzip")
        record_hdf5(temporary)


def _names_damage(read: Callable[..., T]) -> Callable[..., T]:
    """Let a reader of HDF5 files name the one that is cut off or damaged: InputError."""

    @wraps(read)
    def told(path: str | Path, *arguments: Any, **named: Any) -> T:
        try:
            return read(path, *arguments, **named)
        except InputError:
            raise
        # whatever HDF5 and anndata trip over
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            raise InputError(
                f"{path} is cut off or damaged: {error}",
                "the file as it was written",
                "if it lies in the results, remove it and run again: its job makes it anew; else bring it again",
            ) from error

    return told


@_names_damage
def read_anndata(path: str | Path, contract: str) -> anndata.AnnData:
    """Read an .h5ad and check it against `contract`."""
    import anndata

    data = anndata.read_h5ad(existing(path))
    contracts.check(data, contract, where=path)
    return data


def write_mudata(data: mudata.MuData, path: str | Path, contract: str) -> None:
    """Write a MuData as .h5mu after checking it against `contract`."""
    contracts.check(data, contract, where=path)
    with atomic(path) as temporary:
        data.write_h5mu(temporary, compression="gzip")
        record_hdf5(temporary)


def record_hdf5(path: Path) -> None:
    """Give an .h5ad or .h5mu the record of the running job, if there is one."""
    import h5py

    if made := record.current():
        with h5py.File(path, "r+") as handle:
            # readers of AnnData and MuData pass attributes of the root over
            handle.attrs[record.KEY] = record.as_text(made)


@_names_damage
def read_mudata(path: str | Path, contract: str) -> mudata.MuData:
    """Read an .h5mu and check it against `contract`."""
    import mudata

    # Columns of one modality are not copied into the shared obs.
    mudata.set_options(pull_on_update=False)
    data = mudata.read_h5mu(existing(path))
    contracts.check(data, contract, where=path)
    return data


@_names_damage
def read_without_matrices(
    path: str | Path, contract: str, but_for: Collection[str] = ()
) -> mudata.MuData:
    """Read an .h5mu whose matrices stay on disk, and check it against `contract`.

    Matrices of many cells are gigabytes. An empty one stands for each X and layer, but for the X of the modalities in
    `but_for`. `write_with_matrices` puts them back.
    """
    import h5py
    import mudata
    import scipy.sparse as sp
    from anndata.io import read_elem

    mudata.set_options(pull_on_update=False)
    parts: dict[str, anndata.AnnData] = {}
    with h5py.File(existing(path), "r") as handle:
        for modality, stored in handle["mod"].items():
            read = "X" if modality in but_for else "names"
            part = parts[modality] = _read_parts(stored, read)
            part.obsm, part.uns = (read_elem(stored[slot]) for slot in ("obsm", "uns"))
            nothing = sp.csr_matrix(part.shape, dtype="float32")
            if part.X is None:
                part.X = nothing
            part.layers.update(dict.fromkeys(stored["layers"], nothing))
        data = mudata.MuData({name: parts[name] for name in _in_order(handle)})
        data.obs, data.uns = read_elem(handle["obs"]), read_elem(handle["uns"])
        # others are MuData's own, which say which cells a modality has
        for key in set(handle["obsm"]) - set(parts):
            data.obsm[key] = read_elem(handle["obsm"][key])
    contracts.check(data, contract, where=path)
    return data


def _in_order(handle: Any) -> list[str]:
    # as MuData stores it; HDF5 lists groups by the alphabet
    stored = handle["mod"]
    return list(stored.attrs.get("mod-order", stored))


def write_with_matrices(
    data: mudata.MuData, source: str | Path, path: str | Path, contract: str
) -> None:
    """Write a MuData as .h5mu with the matrices of another one, copied as they are stored.

    Parameters
    ----------
    data
        Its own X and layers are checked against `contract`, and not written.
    source
        An .h5mu of the same cells and features in the same order.

    Raises
    ------
    ValueError
        If the cells or features are others.
    """
    import h5py
    import numpy as np
    import scipy.sparse as sp

    from grnformer.core.stored import read_names

    contracts.check(data, contract, where=path)
    with atomic(path) as temporary, h5py.File(existing(source), "r") as given:
        for modality, part in data.mod.items():
            stored = given["mod"][modality]
            for names, axis in ((part.obs_names, "obs"), (part.var_names, "var")):
                if not np.array_equal(names, read_names(stored[axis])):
                    raise ValueError(f"{source} has another {axis} of {modality}")
            part.X = sp.csr_matrix(part.shape, dtype="float32")
            part.layers.clear()
        data.write_h5mu(temporary, compression="gzip")

        with h5py.File(temporary, "r+") as made:
            for modality in data.mod:
                for matrices in ("X", "layers"):
                    del made["mod"][modality][matrices]
                    given.copy(given["mod"][modality][matrices], made["mod"][modality])
        record_hdf5(temporary)


@_names_damage
def read_modality(
    path: str | Path, modality: str, contract: str, parts: str | None = None
) -> anndata.AnnData:
    """Read one modality of an .h5mu, with the obs columns that the MuData's modalities share.

    Cheaper than `read_mudata` where a stage needs only RNA or only ATAC. `contract` is the contract of
    the whole MuData; the part of this modality and the shared obs columns are checked.

    Parameters
    ----------
    parts
        What a job needs, as matrices of many cells are gigabytes: ``X`` with names, obs and var, without layers;
        ``names``: obs and var alone. None: all that is stored.
    """
    import h5py
    import mudata
    from anndata.io import read_elem

    path = existing(path)
    with h5py.File(path, "r") as handle:
        shared = read_elem(handle["obs"])
        if parts:
            data = _read_parts(handle["mod"][modality], parts)
    if parts is None:
        data = mudata.read_h5ad(path, mod=modality)

    # By name: a modality may list its cells in another order.
    for column in contracts.obs_columns(contract):
        if column in shared:
            data.obs[column] = shared[column].reindex(data.obs_names)

    without = {None: (), "X": ("layers", "obsm"), "names": ("X", "layers", "obsm")}
    contracts.check_modality(
        data, contract, modality, f"{path}[{modality}]", without[parts]
    )
    return data


def _read_parts(stored: Any, parts: str) -> anndata.AnnData:
    import anndata
    from anndata.io import read_elem

    matrix = read_elem(stored["X"]) if parts == "X" else None
    return anndata.AnnData(
        matrix, obs=read_elem(stored["obs"]), var=read_elem(stored["var"])
    )


def read_shared_embedding(path: str | Path, key: str) -> np.ndarray | None:
    """Read one array of the obsm of an .h5mu, (cells, dimensions), or None where it has none."""
    import h5py

    with h5py.File(existing(path), "r") as handle:
        return handle["obsm"][key][()] if key in handle.get("obsm", {}) else None


def add_shared_embedding(data: anndata.AnnData, path: str | Path, key: str) -> None:
    """Give cells the array `key` of the obsm of an .h5mu, by the names of the cells.

    Raises
    ------
    InputError
        If the file has no such array, or lacks one of the cells.
    """
    import h5py

    from grnformer.core.stored import read_names

    places = read_shared_embedding(path, key)
    with h5py.File(existing(path), "r") as handle:
        row = {name: i for i, name in enumerate(read_names(handle["obs"]))}
    absent = [name for name in data.obs_names if name not in row]
    if places is None or absent:
        raise InputError(
            f"{path} has no {key}"
            if places is None
            else f"{path} lacks {len(absent)} cells, first {absent[0]!r}",
            f"{key} of every cell, as the stage prep writes it",
            "run the stage prep again",
        )
    data.obsm[key] = places[[row[name] for name in data.obs_names]]


def write_json(
    content: dict[str, Any], path: str | Path, contract: str | None = None
) -> None:
    """Write JSON (sorted keys, two spaces), checked against `contract` where one is named."""
    if contract:
        contracts.check(content, contract, where=path)

    # Sorted keys: equal content gives equal bytes.
    with atomic(path) as temporary:
        temporary.write_text(
            json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8"
        )


def read_json(path: str | Path, contract: str | None = None) -> dict[str, Any]:
    """Read JSON, checked against `contract` where one is named."""
    try:
        content = json.loads(read_text(path), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is no readable JSON: {error}",
            "a whole JSON file",
            "correct the file, or copy or download it again",
        ) from error
    if contract:
        contracts.check(content, contract, where=path)
    if not isinstance(content, dict):
        raise InputError(
            f"{path} holds a {type(content).__name__} of JSON",
            "an object: names with their values",
            "correct the file, or copy or download it again",
        )
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return content
