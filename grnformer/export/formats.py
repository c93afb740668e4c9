"""Write a run in the formats that are asked for, each in a folder of its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from grnformer.api.run import NotInRun, Run
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.export.edges import Unfit

#: each a module of this package with ``write(run, folder)``; its docstring says what it writes, and for which tool
FORMATS = (
    "decoupler",
    "gmt",
    "graphml",
    "cytoscape",
    "scenicplus",
    "scope",
    "tracks",
    "bigwig",
    "genernib",
    "gretapy",
)


class Written(NamedTuple):
    """What became of a format.

    Attributes
    ----------
    name
        Of the format.
    path
        Its folder; None where the run lacks what it takes, or has what it cannot hold.
    lacking
        What that is.
    """

    name: str
    path: Path | None
    lacking: str = ""


def describe() -> Iterator[tuple[str, str]]:
    """Name of each format, and what it writes."""
    for name in FORMATS:
        yield name, str(_module(name).__doc__).splitlines()[0]


def export(
    run: Run, folder: str | Path, formats: Sequence[str] | None = None
) -> Iterator[Written]:
    """Write the formats, one after the other: ``<folder>/<format>``, whole or not at all.

    Parameters
    ----------
    run
        See `grnformer.api.run.read_run`.
    formats
        Names in `FORMATS`; None: all for which the run has what they take.

    Raises
    ------
    InputError
        If a format is unknown or there already, before any is written; NotInRun, Unfit, if the run lacks what a named
        format takes, or has what it cannot hold.
    """
    names = list(dict.fromkeys(FORMATS if formats is None else formats))
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise InputError(
            f"no format {unknown[0]!r}",
            f"one of {', '.join(FORMATS)}",
            "correct the name",
        )
    targets = {name: Path(folder) / name for name in names}
    there = [path for path in targets.values() if path.exists()]
    if there:
        raise InputError(
            f"{there[0]} is there already",
            "a folder without an earlier export of the same formats",
            "remove it, or write to another folder",
        )

    for name, path in targets.items():
        try:
            with io.atomic(path) as temporary:
                temporary.mkdir()
                _module(name).write(run, temporary)
        except (NotInRun, Unfit) as error:
            if formats is not None:
                raise
            yield Written(name, None, error.found)
        else:
            yield Written(name, path)


def _module(name: str) -> ModuleType:
    return import_module(f"grnformer.export.{name}")
