"""Join runs of other folders, commits and settings on one page, which says where they are not comparable.

A run is named by its folder, in which results/report/summary.json lies.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from grnformer.cli.config import CHECKOUT

TEMPLATE = CHECKOUT / "workflow" / "report" / "page.html"


def collect(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="folders of finished runs, or of their results"
        ),
    ],
    to: Annotated[
        Path,
        typer.Option(metavar="DIR", help="folder for index.html and tables/"),
    ] = Path("collected"),
) -> None:
    """Write the page and its tables.

    Raises
    ------
    InputError
        If a folder holds no summary, or a summary that breaks its contract.
    """
    # plotly and pandas: other commands do without
    from grnformer.report.joined import name_runs, read_runs, write_joined

    page, tables = to / "index.html", to / "tables"
    write_joined(read_runs(name_runs(runs)), TEMPLATE, page, tables)
    sys.stdout.write(f"{page}\n")
