"""File names of what users name, such as cell types."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grnformer.core.errors import InputError


def file_names(names: Iterable[str]) -> dict[str, str]:
    """Return a file-safe name for each: letters, digits, ``. _ + -``; anything else becomes ``_``.

    Raises
    ------
    InputError
        If two get the same name (case ignored, as some file systems do).
    """
    stems: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in names:
        safe = re.sub(r"[^A-Za-z0-9._+-]", "_", name)
        stem = re.sub(r"^\.", "_", safe) or "_"  # no hidden file, and no empty name
        other = taken.setdefault(stem.lower(), name)
        if other != name:
            raise InputError(
                f"cell types {other!r} and {name!r} would both be written to {stem!r}",
                "cell types that differ in letters (A to Z, case ignored), digits or . _ + -",
                "rename one of them in the annotation",
            )
        stems[name] = stem
    return stems
