"""The wheel holds the workflow, and runs from an empty folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grnformer.core.resources import MIRROR_VARIABLE

ROOT = Path(__file__).parents[2]
INSIDE = ("workflow", "config", "profiles", "envs")
BESIDE = (
    "Snakefile",
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "requirements.in",
    "requirements-dev.in",
    "LICENSE",
)
PASSING = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is packed, so that building leaves nothing in the checkout."""
    folder = tmp_path_factory.mktemp("source")
    for part in ("grnformer", *INSIDE):
        shutil.copytree(ROOT / part, folder / part, ignore=PASSING)
    for part in BESIDE:
        shutil.copy2(ROOT / part, folder / part)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip(
        "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, str(source)
    )
    return next(folder.glob("*.whl"))


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def files(folder: Path, *parts: str) -> set[str]:
    """Files below parts of a folder, as they were copied."""
    found = (path for part in parts for path in (folder / part).rglob("*"))
    return {str(path.relative_to(folder)) for path in found if path.is_file()}


def test_the_wheel_holds_package_and_workflow(source: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        snakefile = archive.read("grnformer/_workflow/workflow/Snakefile")
    inside = {f"grnformer/_workflow/{name}" for name in files(source, *INSIDE)}
    expected = inside | {"grnformer/_workflow/Snakefile"} | files(source, "grnformer")
    others = {name for name in held if ".dist-info/" not in name}
    assert others == expected
    assert snakefile == (ROOT / "workflow" / "Snakefile").read_bytes()


@pytest.mark.slow
def test_an_installed_wheel_plans_a_run_in_an_empty_folder(
    wheel: Path, tmp_path: Path
) -> None:
    site, place = tmp_path / "site", tmp_path / "empty"
    pip("install", "--no-deps", "--no-compile", "--target", site, wheel)
    place.mkdir()
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], [*author, "commit", "-qm", "x", "--allow-empty"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop(MIRROR_VARIABLE, None)
    command = [sys.executable, "-m", "grnformer.cli", "run", "--", "-n"]
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert "render_report" in shown
    assert "pretrain_model" in shown, "without a config of one's own, the demo"
    # of the installed package, and not the commit of the repository around the folder
    program = (
        "from grnformer.core.place import ROOT\n"
        "from grnformer.core.fingerprint import git_commit\n"
        "print(ROOT, git_commit(ROOT))"
    )
    where = subprocess.run(
        [sys.executable, "-c", program],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    inside = site / "grnformer" / "_workflow"
    assert where.stdout == f"{inside} not run from a git checkout\n"
