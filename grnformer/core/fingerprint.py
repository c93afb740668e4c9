"""Code fingerprints: one hash for all package modules that a script uses.

Snakemake reruns a rule when its script changes, not when the package behind it does. A rule
therefore takes ``fingerprint(script)`` as a param: it changes exactly when a module that the script imports,
directly or through other modules of the package, changes in more than comments and docstrings.

Two kinds of modules are treated apart. Methods are loaded by name (`grnformer.core.methods`), which is no import: a
rule names the one that it uses, ``fingerprint(script, "grnformer.model.backbones.scgpt")``. And a module that says
``AFFECTS_RESULTS = False`` is neither hashed nor followed: progress, signals, error messages.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Collection
from functools import cache
from pathlib import Path

AFFECTS_RESULTS = False
PACKAGE = Path(__file__).parents[1]


def fingerprint(script: str | Path, *modules: str) -> str:
    """Hash (16 hex digits) of the package modules reached from `script` by imports, wherever they stand in it.

    `modules` (dotted) are those of the methods that it loads by name; they count with what they import.
    """
    return _hash(modules_used(Path(script), *modules))


def fingerprint_modules(*modules: str, without: Collection[str] = ()) -> str:
    """Hash (16 hex digits) of package modules and what they reach by imports, but not by way of `without`."""
    return _hash(modules_used(None, *modules, without=without))


def fingerprint_program(program: str | Path) -> str:
    """Hash (16 hex digits) of a program that does without the package, and of the files beside it that it imports."""
    digest = hashlib.sha256()
    seen, queue = set(), [Path(program)]
    while queue:
        path = queue.pop(0)
        if path in seen:
            continue
        seen.add(path)
        digest.update(path.name.encode() + _code(path).encode())
        named = [
            alias.name for node in ast.walk(_tree(path)) if isinstance(node, ast.Import) for alias in node.names
        ] + [node.module or "" for node in ast.walk(_tree(path)) if isinstance(node, ast.ImportFrom)]
        queue.extend(sorted(beside for name in named if (beside := path.with_name(f"{name}.py")).exists()))
    return digest.hexdigest()[:16]


def use_checkout(root: str | Path) -> None:
    """Let the processes started from here import the package of the checkout at `root`, the one that is hashed."""
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(root), *filter(None, others)]))


def modules_used(script: Path | None, *modules: str, without: Collection[str] = ()) -> list[str]:
    """Sorted names of the package modules that count for `script` and `modules`: see `fingerprint`."""
    seen: set[str] = set()
    queue = [] if script is None else list(_imports(script, ""))
    for module in modules:
        queue.extend(_with_parents(module))

    while queue:
        module = queue.pop()
        if module in seen or module in without or not _affects_results(_path(module)):
            continue
        seen.add(module)
        queue.extend(_imports(_path(module), module))
    return sorted(seen)


def _hash(modules: list[str]) -> str:
    digest = hashlib.sha256()
    for module in modules:
        digest.update(module.encode())
        digest.update(_code(_path(module)).encode())
    return digest.hexdigest()[:16]


def _with_parents(module: str) -> list[str]:
    """The module and the packages around it: importing a.b runs a/__init__ first."""
    parts = module.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _path(module: str) -> Path:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _affects_results(path: Path) -> bool:
    """Whether the module does not say ``AFFECTS_RESULTS = False``."""
    for node in _tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node) == "AFFECTS_RESULTS = False":
            return False
    return True


@cache
def _code(path: Path) -> str:
    """The module's code without comments, formatting and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return ast.dump(tree)


@cache
def _imports(path: Path, module: str) -> frozenset[str]:
    """Package modules that the file at `path` imports, with their parents."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                keep = len(parents) - node.level + (path.name == "__init__.py")
                base = ".".join([*parents[:keep], *([base] if base else [])])
            names = [base] + [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == PACKAGE.name:
                found.update(module for module in _with_parents(name) if _path(module).exists())
    return frozenset(found)
