"""What the repository says of the software, not of this run: the tables of its benchmarks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from grnformer.report.page import Note, Section, table

COLUMNS = ("what", "unit", "ours", "reference", "ratio", "target", "met")


def measured_section(paths: list[str]) -> Section | None:
    """The tables benchmarks/results/<name>.tsv of the checkout as one; None where there are none.

    Tables of other columns, in which a benchmark keeps what it looked through, are left out.
    """
    read = [
        pd.read_csv(path, sep="\t", dtype={"target": str, "met": str}) for path in paths
    ]
    # A search of a benchmark keeps a table of other columns.
    tables = {
        Path(path).stem: one
        for path, one in zip(paths, read, strict=True)
        if tuple(one) == COLUMNS
    }
    if not tables:
        return None
    every = pd.concat(
        [tables[name].assign(benchmark=name) for name in sorted(tables)],
        ignore_index=True,
    )
    every = every[["benchmark", *COLUMNS]]
    targets = every["met"].dropna()
    note = (
        "Measures the software, not this run. The tables come with the source: the command make bench-<name> wrote "
        f"each when its developers last ran it, on their machine. Of {len(targets)} targets {(targets == 'yes').sum()} "
        "were met."
    )

    shown = table(
        "software_benchmarks",
        every,
        "Ours beside a reference, such as the original tool in the same benchmark. The ratio says how many times "
        "better ours is. A dash: there is none.",
        folded=True,
        what="what was measured",
        ratio="times better",
        met="target met",
    )

    return Section("measured", "How this version was measured", [Note(note), shown])
