"""What goes wrong, and what comes of it: docs/faults.md, from the tests that show it (`make faults`).

A test says by ``@pytest.mark.fault(what, happens=…, shown=…, then=…)`` what it shows. ``pytest -m fault --junit-xml
FILE`` writes that and its outcome, ``python benchmarks/list_faults.py FILE …`` prints the page. Exits with 1 if a test
failed or was skipped.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

PAGE = """# What goes wrong

`make faults` runs the tests named here and writes this page of what they say; all passed. What to do on a cluster:
[cluster.md](cluster.md).

| what goes wrong | what happens | what is shown | what the next run does | test |
|---|---|---|---|---|
"""


def read_rows(results: Path) -> tuple[list[tuple[str, ...]], list[str]]:
    """Rows of the page, one a fault; and the tests that did not pass."""
    rows: dict[tuple[str, ...], None] = {}
    others = []
    for case in ET.parse(results).iter("testcase"):
        name = case.get("name", "").partition("[")[0]
        test = f"{case.get('classname', '').replace('.', '/')}.py::{name}"
        passed = not any(
            case.find(kind) is not None for kind in ("failure", "error", "skipped")
        )
        others += [] if passed else [test]
        for kept in case.iter("property"):
            if kept.get("name") == "fault":
                told = json.loads(kept.get("value", ""))
                parts = (told[key] for key in ("fault", "happens", "shown", "then"))
                rows[(*parts, f"`{test.removeprefix('tests/')}`")] = None
    return list(rows), others


def main(results: list[str]) -> None:
    """Print the page of the tests in these files."""
    parts = [read_rows(Path(path)) for path in results]
    rows = [row for found, _ in parts for row in found]
    others = [test for _, failed in parts for test in failed]
    if others:
        sys.exit(f"not passed: {', '.join(others)}")
    sys.stdout.write(PAGE)
    for row in rows:
        sys.stdout.write(f"| {' | '.join(row)} |\n")


if __name__ == "__main__":
    main(sys.argv[1:])
