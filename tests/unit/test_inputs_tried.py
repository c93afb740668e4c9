"""The inputs of benchmarks/inputs come out as a user expects; docs/inputs-tried.md shows them all."""

import importlib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
KINDS = sorted(
    path.stem
    for path in (ROOT / "benchmarks" / "inputs").glob("*.py")
    if path.stem not in ("__init__", "data", "rows")
)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("try_inputs")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_no_input_falls_short(program: Any, name: str) -> None:
    tried = map(program.try_row, program.kind_of(name).rows)
    short = [one for one in tried if one.verdict != program.RIGHT]
    assert [f"{one.row.given}: {one.happened}" for one in short] == []


def test_the_page_shows_every_input(program: Any) -> None:
    page = (ROOT / "docs" / "inputs-tried.md").read_text(encoding="utf-8")
    rows = sum(len(program.kind_of(name).rows) for name in KINDS)
    assert sorted(program.KINDS) == KINDS
    assert f"{rows} inputs: right {rows}." in page
