"""Join runs of other folders, commits and settings on one page, which says where they are not comparable.

A run is named by its folder, in which results/report/summary.json lies.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grnformer.cli.config import CHECKOUT

TEMPLATE = CHECKOUT / "workflow" / "report" / "page.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "folder",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="folder of a finished run, or of its results",
    )
    parser.add_argument(
        "--to",
        default=Path("collected"),
        type=Path,
        metavar="DIR",
        help="folder for index.html and tables/ (default: collected)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the page and its tables.

    Raises
    ------
    InputError
        If a folder holds no summary, or a summary that breaks its contract.
    """
    # plotly and pandas: other commands do without
    from grnformer.report.joined import name_runs, read_runs, write_joined

    runs = read_runs(name_runs(options.folder))
    page, tables = options.to / "index.html", options.to / "tables"
    write_joined(runs, TEMPLATE, page, tables)
    sys.stdout.write(f"{page}\n")
    return 0
