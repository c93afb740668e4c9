"""Tables on the terminal; plain lines where there is none."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_COLOURS = {"ok": "green", "missing": "red", "stop": "red", "look": "yellow"}


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = False
) -> None:
    """Print rows below a header; with `numbers`, all columns but the first are set to the right.

    On a terminal a verdict in the last column has its colour; elsewhere cells are separated by tabs, without wrapping.
    """
    if not sys.stdout.isatty():
        for row in (header, *rows):
            sys.stdout.write("\t".join(row).rstrip("\t") + "\n")
        return

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if numbers and place else "left")
    for row in rows:
        colour = _COLOURS.get(row[-1], "")
        table.add_row(*row[:-1], Text(row[-1], style=colour))
    Console().print(table)
