"""The index beside a fragments file: is it one, and of this file?"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

from grnformer.core.errors import InputError

_HEADER = struct.Struct("<4s8i")  # magic, n_ref, format, col_seq, col_beg, col_end, meta, skip, l_nm


def check_index(path: str | Path, chromosomes: set[str]) -> None:
    """Raise InputError if the tabix index at `path` is none, or names other chromosomes than the file has.

    Parameters
    ----------
    chromosomes
        Chromosomes of the fragments.
    """
    path = Path(path)
    remedy = f"index it anew: tabix -f -p bed {path.with_suffix('')}; or remove the index, which is not needed"
    try:
        with gzip.open(path, "rb") as handle:
            fields = _HEADER.unpack(handle.read(_HEADER.size))
            names = handle.read(fields[-1]).split(b"\0")
    except (OSError, EOFError, struct.error) as error:
        raise InputError(
            f"{path} cannot be read as an index: {error}",
            "a tabix index",
            remedy,
        ) from error
    if fields[0] != b"TBI\1":
        raise InputError(
            f"{path} begins with {fields[0]!r}",
            "a tabix index, which begins with b'TBI\\x01'",
            remedy,
        )
    indexed = {name.decode("ascii", "replace") for name in names if name}
    if indexed != chromosomes:
        raise InputError(
            f"{path} is an index of {sorted(indexed)[:5]} ({len(indexed)} chromosomes)",
            f"an index of the file beside it, which has {sorted(chromosomes)[:5]} ({len(chromosomes)} chromosomes)",
            remedy,
        )
