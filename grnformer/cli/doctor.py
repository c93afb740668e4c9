"""Say what is installed and at hand: packages, optional tools, GPU, Slurm, compiler, resources, memory, disk.

It ends with 0 unless something is missing that every run needs.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil
import typer

import grnformer
from grnformer.cli.config import CHECKOUT
from grnformer.cli.tables import print_table
from grnformer.core.place import INSTALLED, ROOT
from grnformer.core.record import LIBRARIES
from grnformer.core.resources import MIRROR_VARIABLE
from grnformer.settings.read import complete
from grnformer.workflow.config import locate, read_registry

LEAST_PYTHON = (3, 11)
#: packages that every run needs
NEEDED = tuple(dict.fromkeys([*LIBRARIES, "mudata", "igraph", "typer", "rich"]))
FRAGMENTS = {"snapatac2": "snapatac2", "macs3": "MACS3"}


@dataclass(frozen=True)
class Finding:
    """What was looked for, what was found; `verdict`: ok, missing (every run needs it), or - (only some runs do)."""

    what: str
    found: str
    verdict: str = "ok"


def doctor() -> None:
    """Print the table."""
    findings = [
        *_python(),
        *_packages(),
        *_optional(),
        *_machine(),
        *_resources(),
    ]
    print_table(("what", "found", ""), [(f.what, f.found, f.verdict) for f in findings])
    missing = [f.what for f in findings if f.verdict == "missing"]
    if missing:
        sys.stdout.write(
            f"Missing: {', '.join(missing)}. Install grnformer with what it needs: pip install grnformer, or make env "
            "in a clone.\n"
        )
        raise typer.Exit(1)


def _python() -> Iterable[Finding]:
    fits = sys.version_info[:2] >= LEAST_PYTHON
    yield Finding(
        "Python",
        f"{platform.python_version()} ({sys.executable})",
        "ok" if fits else "missing",
    )
    where = "installed package" if INSTALLED else "checkout"
    yield Finding("grnformer", f"{grnformer.__version__}, {where} {ROOT}")


def _packages() -> Iterable[Finding]:
    for name in NEEDED:
        try:
            yield Finding(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "not installed", "missing")


def _optional() -> Iterable[Finding]:
    """Tools that only some methods need."""
    absent = [
        name
        for name, module in FRAGMENTS.items()
        if not importlib.util.find_spec(module)
    ]
    yield _optionally(
        "peaks from fragments (SnapATAC2, MACS3)",
        "" if absent else "installed",
        f"no {' and no '.join(absent)}: make env-fragments, or pip install {' '.join(absent)}",
    )
    for name, path in complete({})["environments"].items():
        there = Path(locate(path, CHECKOUT))
        yield _optionally(
            f"environment of {name}",
            str(there) if there.exists() else "",
            f"no {path}: make env-{name} in a clone",
        )


def _machine() -> Iterable[Finding]:
    yield Finding("cores", str(len(os.sched_getaffinity(0))))
    memory = psutil.virtual_memory()
    yield Finding(
        "memory", f"{memory.total / 2**30:.0f} GB, {memory.available / 2**30:.0f} free"
    )
    yield Finding("disk here", f"{shutil.disk_usage('.').free / 2**30:.0f} GB free")
    yield _optionally(
        "GPU", _first_line("nvidia-smi", "-L"), "none: models train on the CPU"
    )
    yield _optionally(
        "Slurm", _first_line("sbatch", "--version"), "none: runs stay on this machine"
    )
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), "")
    yield _optionally(
        "C compiler", compiler, "none: peaks from fragments need one to be installed"
    )
    yield _optionally(
        "git", _first_line("git", "--version"), "none: records of files name no commit"
    )


def _resources() -> Iterable[Finding]:
    registry = read_registry(ROOT / "config" / "resources.yaml")
    mirror = os.environ.get(MIRROR_VARIABLE)
    places = [Path("resources"), *([Path(mirror)] if mirror else [])]
    held = [
        name
        for name, entry in registry.items()
        if any(
            (place / file).is_file()
            for place in places
            for file in (name, entry.get("mirror", name))
        )
    ]
    yield Finding(
        "resources",
        f"{len(held)} of {len(registry)} in {' and '.join(map(str, places))}; a run fetches what it lacks, or "
        "beforehand: grnformer fetch",
        "ok",
    )


def _optionally(what: str, found: str, otherwise: str) -> Finding:
    return Finding(what, found) if found else Finding(what, otherwise, "-")


def _first_line(*command: str) -> str:
    """First line that a program prints; empty if it is not there or fails."""
    if not shutil.which(command[0]):
        return ""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.splitlines()[0] if done.stdout else ""
