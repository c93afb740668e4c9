"""Writing the page and the folder of its tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grnformer.core import io

if TYPE_CHECKING:
    import pandas as pd


def write_report(page: str, tables: dict[str, pd.DataFrame], page_path: str | Path, folder: str | Path) -> None:
    """Write the page, and each table as a TSV into `folder`; both whole or not at all."""
    with io.atomic(folder) as temporary:
        temporary.mkdir()
        for name, frame in tables.items():
            io.write_table(frame, temporary / f"{name}.tsv", "report_table")
    with io.atomic(page_path) as temporary:
        temporary.write_text(page, encoding="utf-8")
