"""What counts of a file of code is remembered beside it, and is never that of another content."""

import json
import os
from pathlib import Path

import pytest

from grnformer.core.source import Source, parse, read_source

CODE = "import json\nfrom . import near\n\nx = 1\n"


def read(path: Path) -> Source:
    """As a fresh process does."""
    read_source.cache_clear()
    return read_source(path)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text(CODE)
    return path


def note(module: Path) -> Path:
    (found,) = module.parent.glob("__pycache__/*.source.json")
    return found


def test_a_note_is_used_while_the_file_has_the_same_content(module: Path) -> None:
    assert read(module) == parse(CODE)
    assert parse(CODE).imports == (".", ".near", "json")
    said = json.loads(note(module).read_text())
    note(module).write_text(json.dumps(said | {"code": "as noted"}))
    assert read(module).code == "as noted"
    times = module.stat().st_mtime
    module.write_text(CODE.replace("1", "2"))
    # as of a restored backup
    os.utime(module, (times, times))
    assert read(module) == parse(CODE.replace("1", "2"))


@pytest.mark.parametrize("text", ["", "[1]", '{"content": 3}', "null", "\0"])
def test_a_damaged_note_is_written_anew(module: Path, text: str) -> None:
    read(module)
    whole = note(module).read_text()
    note(module).write_text(text)
    assert read(module) == parse(CODE)
    assert note(module).read_text() == whole


def test_without_a_place_for_notes_the_file_is_read(module: Path) -> None:
    (module.parent / "__pycache__").write_text("in the way")
    assert read(module) == parse(CODE)
