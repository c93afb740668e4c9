"""What the repository says of the software itself: the tables of its own benchmarks, which are not of this run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from grnformer.report.page import Note, Section, Table

COLUMNS = ("what", "unit", "ours", "reference", "ratio", "target", "met")


def measured_section(paths: list[str]) -> Section | None:
    """The tables benchmarks/results/<name>.tsv of the checkout as one; None where there are none.

    Tables of other columns, in which a benchmark keeps what it looked through, are left out.
    """
    read = {Path(path).stem: pd.read_csv(path, sep="\t", dtype={"target": str, "met": str}) for path in paths}
    tables = [table.assign(benchmark=name) for name, table in sorted(read.items()) if tuple(table) == COLUMNS]
    if not tables:
        return None
    every = pd.concat(tables, ignore_index=True)[["benchmark", *COLUMNS]]
    met = every["met"].value_counts()
    note = (
        "How the software was measured, not this run: the tables that come with its source, each written by the "
        f"command make bench-<name> when its developers last ran it, on their machine. Of {met.sum()} targets "
        f"{met.get('yes', 0)} were met."
    )
    caption = (
        "Figures of ours beside a reference, such as the original tool in the same benchmark; the ratio is how many "
        "times better ours is. A dash: there is none."
    )
    labels = {"what": "what was measured", "ratio": "times better", "met": "target met"}
    return Section(
        "measured",
        "How this version was measured",
        [Note(note), Table("software_benchmarks", every, caption, labels, shown=len(every), folded=True)],
    )
