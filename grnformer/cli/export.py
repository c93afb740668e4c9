"""Write the networks and cells of a finished run in the formats of other tools.

A format is a folder. Without --formats, all are written for which the run has what they take, and a line says which
were left out, and why.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from grnformer.api.run import read_run
from grnformer.export.formats import FORMATS
from grnformer.export.formats import export as export_run


def export(
    run_folder: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="folder of a run, of its results or of a dataset: results/<dataset>",
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            help="of the run, where it has several and RUN is not one's folder"
        ),
    ] = None,
    to: Annotated[
        Path, typer.Option(metavar="FOLDER", help="folder to write to")
    ] = Path("exported"),
    formats: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT...", help=f"{', '.join(FORMATS)}; without it, all"
        ),
    ] = None,
) -> None:
    """Write each, and print its folder.

    Raises
    ------
    InputError
        See `grnformer.export.formats.export`.
    """
    for written in export_run(read_run(run_folder, dataset), to, formats):
        if written.path is None:
            sys.stdout.write(f"left out {written.name}: {written.lacking}\n")
        else:
            sys.stdout.write(f"{written.path}\n")
