"""A matrix inside a file: ``cells.h5mu:rna``, ``cells.h5ad:layers/counts``."""

from __future__ import annotations

import re
from pathlib import Path

_IN_FILE = re.compile(r"(?P<file>.+\.(?:h5mu|h5ad|zarr)/?):(?P<place>[^:]+)", re.I)


def split_place(reference: str | Path) -> tuple[str, str]:
    """Return the file, and the place in it; '' where none is named.

    A place is a modality of an .h5mu (``rna``), a matrix of an .h5ad or .zarr (``X``, ``raw``, ``layers/counts``), or
    both (``rna/layers/counts``).
    """
    text = str(reference)
    found = _IN_FILE.fullmatch(text)
    # a file may be called so
    if found is None or Path(text).exists():
        return text, ""
    return found["file"], found["place"]


def join_place(file: str, place: str) -> str:
    """Put together what `split_place` takes apart."""
    return f"{file}:{place}" if place else file
