"""Value tokens of all cells kept on disk: made once, read by every arm, seed and process that has the same ones.

A cache is a folder of flat .npy files, CSR of cells x genes of the graph, and what they must be (about.json). Its name
is a digest of all that the tokens follow from, code included, so that others are never taken for these. It is written
beside its place and renamed to it: who comes second throws its own away. Nothing is locked; all of it may be deleted.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mmap
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy.sparse as sp

from grnformer.core import io
from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)
VERSION = 1  # of the files
_FILES = ("indptr.npy", "indices.npy", "data.npy")
_TRIES = 3
_CHUNK = 1 << 24  # bytes


class TokenCache:
    """Rows of a cache; pages that were read are let go, so that resident memory does not grow with what was read."""

    def __init__(self, path: Path, n_genes: int) -> None:
        self._mapped = [np.load(path / name, mmap_mode="r") for name in _FILES]
        self._n_genes = n_genes

    def read(self, rows: np.ndarray) -> sp.csr_matrix:
        """Value tokens of rows in ascending order, (rows, genes of the graph); each row's genes in the order given."""
        indptr, indices, data = (array.view(np.ndarray) for array in self._mapped)
        runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
        spans = [slice(int(indptr[run[0]]), int(indptr[run[-1] + 1])) for run in runs]
        ends = np.concatenate([[0], np.cumsum(indptr[rows + 1] - indptr[rows])])
        taken = [np.concatenate([array[span] for span in spans]) for array in (data, indices)]
        for array in self._mapped:
            if isinstance(array.base, mmap.mmap):
                array.base.madvise(mmap.MADV_DONTNEED)
        return sp.csr_matrix((*taken, ends), shape=(len(rows), self._n_genes))


def name_tokens(**what: Any) -> str:
    """Digest (16 hex digits) of what tokens follow from; values as JSON has them."""
    return hashlib.sha256(json.dumps(what | {"version": VERSION}, sort_keys=True).encode()).hexdigest()[:16]


def open_cache(folder: str | Path, name: str, n_genes: int, make: Callable[[], Iterable[sp.csr_matrix]]) -> TokenCache:
    """Open the cache `name` in `folder`; written from the blocks of rows that `make` gives, if it is not there.

    Every byte is checked; a damaged cache is named in a warning, removed and written anew.

    Raises
    ------
    InputError
        If the folder cannot be written, or what was written is damaged at once.
    """
    path = Path(folder) / name
    try:
        for _ in range(_TRIES):
            if not path.exists() and _write(path, make()):
                return TokenCache(path, n_genes)
            fault = _find_fault(path)
            if fault is None:
                logger.info("value tokens are read from %s", path)
                return TokenCache(path, n_genes)
            logger.warning("the cache of value tokens %s is damaged (%s): it is written anew", path, fault)
            shutil.rmtree(path, ignore_errors=True)  # who has it open, keeps it
    except OSError as error:
        fault = str(error)
    raise InputError(
        f"value tokens cannot be kept in {path}: {fault}",
        "a folder on a sound disk with room for them",
        "name another one in pretrain.token_cache, or null",
    )


def _write(path: Path, blocks: Iterable[sp.csr_matrix]) -> bool:
    """Write blocks of rows below each other; False if another process was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        n_cells = _write_arrays(staged, iter(blocks))
        io.write_json({name: _describe(staged / name) for name in _FILES}, staged / "about.json", "token_cache")
        try:
            os.rename(staged, path)
        except OSError:
            if not path.exists():
                raise
            return False
        logger.info("value tokens of %d cells are kept in %s", n_cells, path)
        return True
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write_arrays(folder: Path, blocks: Iterator[sp.csr_matrix]) -> int:
    """Write indptr, indices and data of blocks as they come; how many cells there were."""
    first = next(blocks)
    dtypes = (np.dtype(np.int64), np.dtype(np.int32), first.dtype)  # the tokeniser's own: no value changes
    lengths = [1, 0, 0]
    with ExitStack() as stack:
        files = [stack.enter_context((folder / name).open("wb")) for name in _FILES]
        for file, dtype in zip(files, dtypes, strict=True):
            _write_header(file, dtype, 0)
        files[0].write(bytes(8))
        for block in chain([first], blocks):
            ends = block.indptr[1:].astype(np.int64) + lengths[1]
            parts = (ends, block.indices[: block.nnz], block.data[: block.nnz])
            for i, (file, part) in enumerate(zip(files, parts, strict=True)):
                file.write(part.astype(dtypes[i], casting="same_kind" if i == 1 else "safe", copy=False).tobytes())
                lengths[i] += len(part)
        for file, dtype, length in zip(files, dtypes, lengths, strict=True):
            file.seek(0)
            _write_header(file, dtype, length)
    return lengths[0] - 1


def _write_header(file: IO[bytes], dtype: np.dtype, length: int) -> None:
    """Of one length for arrays of any length: numpy leaves room for them to grow."""
    about = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(file, about)


def _describe(path: Path) -> dict[str, int]:
    check = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            check = zlib.crc32(chunk, check)
    return {"bytes": path.stat().st_size, "crc32": check}


def _find_fault(path: Path) -> str | None:
    try:
        about = io.read_json(path / "about.json", "token_cache")
        changed = [name for name in _FILES if _describe(path / name) != about[name]]
    except (OSError, ValueError, InputError) as error:
        return " ".join(str(error).split())
    return f"{', '.join(changed)} changed" if changed else None
