"""A fingerprint changes exactly when code that the script reaches changes."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grnformer import fingerprint as shipped

SCRIPT = """\
\"\"\"A rule's script.\"\"\"

from toy.job import job

with job(snakemake):
    from toy.stage.first import work
"""
MODULES = {
    "__init__.py": "",
    "job.py": "def job():\n    return 1\n",
    "unrelated.py": "x = 1\n",
    "stage/__init__.py": "",
    "stage/first.py": (
        "from toy.stage import second\nfrom ..shared import helper\n\n\ndef work():\n    return second.go()\n"
    ),
    "stage/second.py": '"""Second."""\n\n\ndef go():\n    """Go."""\n    return 2\n',
    "shared.py": "def helper():\n    from toy.deep import bottom\n\n    return bottom\n",
    "deep.py": "bottom = 0\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path / "toy"


@pytest.fixture
def take(package: Path) -> Callable[[], str]:
    """Fingerprint of the toy script, by a fresh copy of the module (caches live as long as one run)."""

    def fresh() -> str:
        return _load(package).fingerprint(package.parent / "script.py")

    return fresh


def _load(package: Path):
    spec = importlib.util.spec_from_file_location("fresh_fingerprint", shipped.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.PACKAGE = package
    return module


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_modules_are_followed_through_all_kinds_of_imports(package: Path) -> None:
    used = _load(package).modules_used(package.parent / "script.py")
    assert used == ["toy", "toy.deep", "toy.job", "toy.shared", "toy.stage", "toy.stage.first", "toy.stage.second"]


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("stage/first.py", "second.go()", "second.go() + 1"),
        ("stage/second.py", "return 2", "return 3"),
        ("shared.py", "return bottom", "return bottom + 1"),
        ("deep.py", "bottom = 0", "bottom = 1"),
        ("job.py", "return 1", "return 2"),
        ("stage/__init__.py", "", "import os\n"),
    ],
)
def test_a_change_of_reached_code_changes_it(take, package: Path, module: str, old: str, new: str) -> None:
    before = take()
    edit(package / module, old, new)
    assert take() != before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("unrelated.py", "x = 1", "x = 2"),
        ("stage/second.py", '"""Second."""', '"""Another sentence."""'),
        ("stage/second.py", '    """Go."""\n', '    """Go, or stay."""\n'),
        ("stage/second.py", '    """Go."""\n', ""),
        ("stage/second.py", "return 2", "return 2  # two"),
        ("stage/second.py", "return 2", "return (2)"),
    ],
    ids=["unrelated module", "module docstring", "docstring", "docstring removed", "comment", "formatting"],
)
def test_what_does_not_matter_does_not_change_it(take, package: Path, module: str, old: str, new: str) -> None:
    before = take()
    edit(package / module, old, new)
    assert take() == before


def test_a_new_import_changes_it(take, package: Path) -> None:
    before = take()
    edit(package / "deep.py", "bottom = 0", "import toy.unrelated\n\nbottom = 0")
    assert take() != before


def test_it_is_the_same_in_another_place(take, package: Path, tmp_path: Path) -> None:
    before = take()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    package.rename(moved / "toy")
    (tmp_path / "script.py").rename(moved / "script.py")
    assert _load(moved / "toy").fingerprint(moved / "script.py") == before


def test_reading_it_imports_nothing(package: Path, take) -> None:
    take()
    assert "toy" not in sys.modules


def test_a_programs_fingerprint_follows_the_files_beside_it_that_it_imports(tmp_path: Path) -> None:
    files = {"run": "import json\n\nimport beside\n", "beside": "import deeper\n", "deeper": "x = 1\n", "other": ""}

    def written(name: str, **changes: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        for stem, text in {**files, **changes}.items():
            (folder / f"{stem}.py").write_text(text)
        return shipped.fingerprint_program(folder / "run.py")

    first = written("first")
    assert written("elsewhere", other="x = 2\n", beside="# a comment\nimport deeper\n") == first
    assert written("changed", deeper="x = 2\n") != first
