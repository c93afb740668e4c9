"""File names of cell types."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grnformer.core.errors import InputError


def file_names(cell_types: Iterable[str]) -> dict[str, str]:
    """Return a file-safe name per type: letters, digits, ``. _ + -``; anything else becomes ``_``.

    Raises
    ------
    InputError
        If two types get the same name (case ignored, as some file systems do).
    """
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for cell_type in cell_types:
        safe = re.sub(r"[^A-Za-z0-9._+-]", "_", cell_type)
        name = re.sub(r"^\.", "_", safe) or "_"  # no hidden file, and no empty name
        other = taken.setdefault(name.lower(), cell_type)
        if other != cell_type:
            raise InputError(
                f"cell types {other!r} and {cell_type!r} would both be written to {name!r}",
                "cell types that differ in letters, digits or . _ + -",
                "rename one of them in the annotation",
            )
        names[cell_type] = name
    return names
