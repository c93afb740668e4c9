"""Inputs tried, and what came of them: each made by code, given to the reader that a job calls, and judged.

``python benchmarks/try_inputs.py [KIND ...]`` runs the kinds (the files of benchmarks/inputs; all by default), prints
the rows that fall short and ends with status 1 if there is one. Of all kinds it writes docs/inputs-tried.md.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from pathlib import Path

from inputs.rows import RIGHT, Kind, Outcome, try_row

ROOT = Path(__file__).parents[1]
KINDS = (
    "expression", "regions", "barcodes", "annotation", "sheet", "config", "genes", "lists", "motifs",
    "vocabularies", "pickles", "embedding", "drugs", "fragments", "truth",
)  # fmt: skip
HEAD = """# Inputs tried, and what came of them

Malformed and unusual inputs, each made by code from simulated data (`benchmarks/inputs`) and given to the function that
a job calls. `make try-inputs` tries them again and writes this page. An input that works is compared with the right
value; a message must name what is given here. Verdicts: right; poor (refused though it should work, or by a message
that does not say what is wrong); silent (a wrong value, or none of the warning that is due); traceback.

"""


def kind_of(name: str) -> Kind:
    """The rows of a file of benchmarks/inputs."""
    kind: Kind = importlib.import_module(f"inputs.{name}").KIND
    return kind


def page(tried: dict[str, list[Outcome]]) -> str:
    """The table of all kinds in Markdown."""
    counts = Counter(one.verdict for outcomes in tried.values() for one in outcomes)
    total = ", ".join(f"{verdict} {n}" for verdict, n in sorted(counts.items()))
    parts = [f"{HEAD}{sum(counts.values())} inputs: {total}.\n"]
    for title, outcomes in tried.items():
        parts.append(f"\n## {title}\n\n| input | a user expects | happened | |")
        parts.append("|---|---|---|---|")
        for one in outcomes:
            cells = one.row.given, one.row.expected, one.happened, one.verdict
            parts.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(parts) + "\n"


def _cell(text: str) -> str:
    """One line of text in a table of Markdown."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    short = line if len(line) <= 240 else f"{line[:237]}..."
    return short.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def main(names: list[str]) -> int:
    """Try the kinds; 1 if a row falls short."""
    tried: dict[str, list[Outcome]] = {}
    for name in names or KINDS:
        kind = kind_of(name)
        tried[kind.title] = [try_row(row) for row in kind.rows]

    if not names:
        (ROOT / "docs" / "inputs-tried.md").write_text(page(tried), encoding="utf-8")
    short = [one for of in tried.values() for one in of if one.verdict != RIGHT]
    for one in short:
        sys.stdout.write(
            f"{one.verdict}: {one.row.given}\n  {one.row.expected}\n  {one.happened}\n"
        )
    sys.stdout.write(f"{sum(map(len, tried.values()))} tried, {len(short)} short\n")
    return bool(short)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
