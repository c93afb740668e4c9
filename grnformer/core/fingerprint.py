"""Code fingerprints: one hash for all package modules that a script uses; and the commit of the checkout.

Snakemake reruns a rule when its script changes, not when the package behind it does. A rule
therefore takes ``fingerprint(script)`` as a param: it changes exactly when a module that the script imports,
directly or through other modules of the package, changes in more than comments and docstrings.

Two kinds of modules are special. Methods are loaded by name (`grnformer.core.methods`), not imported: a rule names the
one that it uses, ``fingerprint(script, "grnformer.model.backbones.scgpt")``. A module that declares
``AFFECTS_RESULTS = False`` is neither hashed nor followed: progress, signals, error messages.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from grnformer.core.errors import InputError
from grnformer.core.place import INSTALLED, PACKAGE, ROOT
from grnformer.core.source import read_source

AFFECTS_RESULTS = False


def fingerprint(script: str | Path, *modules: str) -> str:
    """Hash (16 hex digits) of the package modules that `script` imports, at any place in it, and of those they import.

    `modules` (dotted) are those of the methods that it loads by name; their imports count too.
    """
    return _hash(_paths(modules_used(Path(script), *modules)))


def fingerprint_modules(*modules: str, without: Collection[str] = ()) -> str:
    """Hash (16 hex digits) of package modules and of what they import, except through the modules `without`."""
    return _hash(_paths(modules_used(None, *modules, without=without)))


def fingerprint_program(program: str | Path) -> str:
    """Hash (16 hex digits) of a program that uses no module of the package, and of the files beside it that it uses."""
    seen: dict[Path, None] = {}
    queue = [Path(program)]
    while queue:
        path = queue.pop(0)
        if path in seen:
            continue
        seen[path] = None
        beside = {path.with_name(f"{name}.py") for name in _imported_names(path, "")}
        queue.extend(sorted(other for other in beside if other.exists()))

    return _hash({path.name: path for path in seen})


def use_checkout(root: str | Path, by_conda: bool = False) -> None:
    """Let the processes started from here import the package of the checkout at `root`, the one that is hashed.

    An installed package is found as any other; `by_conda`: whether jobs run in environments that Snakemake makes.

    Raises
    ------
    InputError
        If the package is installed, and the workflow is of another one or jobs run where it is not installed.
    """
    if INSTALLED:
        _check_installed(Path(root), by_conda)
        return
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # Once each, since every process started from here extends the variable that it inherited.
    folders = dict.fromkeys([str(root), *filter(None, others)])
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)


def _check_installed(root: Path, by_conda: bool) -> None:
    if root.resolve() != ROOT.resolve():
        raise InputError(
            f"the workflow of {root} with the package installed in {PACKAGE}",
            f"the workflow of that package, {ROOT}",
            "run `grnformer run`, or the snakemake of the environment in which that workflow lies",
        )
    if by_conda:
        raise InputError(
            "--sdm conda with an installed package: the environments that Snakemake makes do not hold it",
            "a clone of the repository, whose package every environment can import",
            "leave --sdm conda out, or clone the repository and run its Snakefile",
        )


def git_commit(checkout: str | Path) -> str:
    """Commit of the checkout, marked where its code differs from it; says so where there is no git checkout."""
    # a commit found around an installed package is one of another repository
    if INSTALLED:
        return "not run from a git checkout"
    try:
        commit = _git(checkout, "rev-parse", "HEAD")
        changed = _git(checkout, "status", "--porcelain", "--", "grnformer", "workflow")
    except (OSError, subprocess.CalledProcessError):
        return "not run from a git checkout"
    return f"{commit} with uncommitted changes" if changed else commit


def modules_used(
    script: Path | None, *modules: str, without: Collection[str] = ()
) -> list[str]:
    """Sorted names of the package modules that count for `script` and `modules`: see `fingerprint`."""
    seen: set[str] = set()
    queue = [parent for module in modules for parent in _with_parents(module)]
    if script:
        queue.extend(_imports(script, ""))

    # Depth first; modules may import each other.
    while queue:
        module = queue.pop()
        if (
            module in seen
            or module in without
            or not read_source(_path(module)).affects_results
        ):
            continue
        seen.add(module)
        queue.extend(_imports(_path(module), module))
    return sorted(seen)


def _git(checkout: str | Path, *arguments: str) -> str:
    command = ["git", "-C", str(checkout), *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout.strip()


def _hash(files: Mapping[str, Path]) -> str:
    """Hash of files by name: of the names and the code, not of the places."""
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(name.encode())
        digest.update(read_source(path).code.encode())
    return digest.hexdigest()[:16]


def _with_parents(module: str) -> list[str]:
    """The module and the packages around it: importing a.b runs a/__init__ first."""
    parts = module.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _paths(modules: list[str]) -> dict[str, Path]:
    return {module: _path(module) for module in modules}


def _path(module: str) -> Path:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _imports(path: Path, module: str) -> frozenset[str]:
    """Package modules that the file at `path` imports, with their parents."""
    found: set[str] = set()
    for name in _imported_names(path, module):
        if name.split(".")[0] == PACKAGE.name:
            found.update(_with_parents(name))

    # What follows the module in "from module import name" may be an object, which has no file.
    return frozenset(name for name in found if _path(name).exists())


def _imported_names(path: Path, module: str) -> list[str]:
    """Dotted names in all import statements of the file of `module`, relative ones made absolute."""
    # One dot is the package around a module, and the package itself in its __init__.
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return [
        importlib.util.resolve_name(name, package) if name.startswith(".") else name
        for name in read_source(path).imports
    ]
