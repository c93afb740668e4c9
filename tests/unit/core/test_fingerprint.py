"""A fingerprint changes exactly when code that the script reaches changes."""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grnformer.core import fingerprint as shipped
from grnformer.core.source import read_source

CHECKOUT = Path(__file__).parents[3]
BACKBONES = "grnformer.model.backbones"
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
    "stage/second.py": (
        '"""Second."""\n\n\nclass Own(Settings):\n    size = key(3, "size")\n\n\n'
        'def go():\n    """Go."""\n    return 2\n'
    ),
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
    read_source.cache_clear()
    return module


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_modules_are_followed_through_all_kinds_of_imports(package: Path) -> None:
    used = _load(package).modules_used(package.parent / "script.py")
    assert used == [
        "toy",
        "toy.deep",
        "toy.job",
        "toy.shared",
        "toy.stage",
        "toy.stage.first",
        "toy.stage.second",
    ]


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
def test_a_change_of_reached_code_changes_it(
    take, package: Path, module: str, old: str, new: str
) -> None:
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
        ("stage/second.py", 'key(3, "size")', 'key(4, "width")'),
    ],
    ids=[
        "unrelated module",
        "module docstring",
        "docstring",
        "docstring removed",
        "comment",
        "formatting",
        "settings",
    ],
)
def test_what_does_not_matter_does_not_change_it(
    take, package: Path, module: str, old: str, new: str
) -> None:
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


def test_a_programs_fingerprint_follows_the_files_beside_it_that_it_imports(
    tmp_path: Path,
) -> None:
    files = {
        "run": "import json\n\nimport beside\n",
        "beside": "import deeper\n",
        "deeper": "x = 1\n",
        "other": "",
    }

    def written(name: str, **changes: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        for stem, text in {**files, **changes}.items():
            (folder / f"{stem}.py").write_text(text)
        return shipped.fingerprint_program(folder / "run.py")

    first = written("first")
    assert (
        written("elsewhere", other="x = 2\n", beside="# a comment\nimport deeper\n")
        == first
    )
    assert written("changed", deeper="x = 2\n") != first


def test_a_module_loaded_by_name_counts_where_it_is_named(package: Path) -> None:
    script = package.parent / "script.py"
    (package / "stage" / "chosen.py").write_text("from toy import unrelated\n")
    (package / "stage" / "other.py").write_text("x = 1\n")
    used = _load(package).modules_used(script, "toy.stage.chosen")
    assert set(used) - set(_load(package).modules_used(script)) == {
        "toy.stage.chosen",
        "toy.unrelated",
    }
    before = _load(package).fingerprint(script, "toy.stage.chosen")
    assert before != _load(package).fingerprint(script)
    edit(package / "stage" / "other.py", "x = 1", "x = 2")
    assert _load(package).fingerprint(script, "toy.stage.chosen") == before
    edit(package / "unrelated.py", "x = 1", "x = 2")
    assert _load(package).fingerprint(script, "toy.stage.chosen") != before


def test_a_module_that_says_so_affects_no_result(take, package: Path) -> None:
    edit(package / "shared.py", "def helper", "AFFECTS_RESULTS = False\n\n\ndef helper")
    before = take()
    edit(package / "shared.py", "return bottom", "return bottom + 1")
    edit(package / "deep.py", "bottom = 0", "bottom = 1")
    assert take() == before
    edit(package / "shared.py", "AFFECTS_RESULTS = False", "AFFECTS_RESULTS = True")
    assert take() != before


def test_what_is_reached_only_through_a_module_left_out_does_not_count(
    package: Path,
) -> None:
    def fresh() -> str:
        return _load(package).fingerprint_modules(
            "toy.stage.first", without=["toy.shared"]
        )

    before = fresh()
    edit(package / "deep.py", "bottom = 0", "bottom = 1")
    edit(package / "shared.py", "return bottom", "return bottom + 1")
    assert fresh() == before
    edit(package / "stage" / "second.py", "return 2", "return 3")
    assert fresh() != before


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of this package."""
    return Path(shutil.copytree(CHECKOUT / "grnformer", tmp_path / "grnformer"))


USERS = [
    "pretrain/pretrain_model",
    "embed/embed_anndata",
    "bench/embed_lines",
    "attention/analyse_attention",
]


def test_a_backbone_counts_for_the_models_that_have_it(copied: Path) -> None:
    scripts = {rule: CHECKOUT / "workflow" / "scripts" / f"{rule}.py" for rule in USERS}
    everywhere = {"scgpt", "geneformer", "scfoundation"}

    def by_backbone() -> dict[str, list[str]]:
        code = _load(copied)
        return {
            name: [
                code.fingerprint(script, f"{BACKBONES}.{name}")
                for script in scripts.values()
            ]
            for name in everywhere
        }

    def changed(file: str) -> set[str]:
        """Backbones for which all rules change; an edit must not change some rules only."""
        before = by_backbone()
        path = copied / file
        # a file that was moved away is an error
        path.write_text(path.read_text() + "ADDED = 1\n")
        after = by_backbone()
        differ = {
            name: [a != b for a, b in zip(before[name], after[name], strict=True)]
            for name in everywhere
        }
        assert all(len(set(of_rules)) == 1 for of_rules in differ.values()), differ
        return {name for name, of_rules in differ.items() if all(of_rules)}

    assert changed("model/backbones/scgpt.py") == {"scgpt"}
    assert changed("model/backbones/performer.py") == {"scfoundation"}
    assert changed("model/backbones/ragged.py") == {"geneformer", "scfoundation"}
    assert changed("model/gnn.py") == everywhere
    assert changed("train/progress.py") == set()
    assert changed("core/errors.py") == set()


def test_only_these_modules_say_that_they_affect_no_result() -> None:
    """Whoever adds one has to be sure: edits of it rerun and retrain nothing."""
    found = {
        str(path.relative_to(CHECKOUT / "grnformer"))
        for path in (CHECKOUT / "grnformer").rglob("*.py")
        if "AFFECTS_RESULTS = False" in path.read_text().splitlines()
    }
    train = {f"train/{name}.py" for name in ("divergence", "preemption", "progress")}
    assert (
        found
        == {
            "__init__.py",
            "core/costs.py",
            "core/errors.py",
            "core/fingerprint.py",
            "core/methods.py",
            "core/place.py",
            "core/record.py",
            "core/source.py",
            "settings/grid.py",
            "settings/key.py",
        }
        | train
    )
