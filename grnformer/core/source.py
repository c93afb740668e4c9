"""What counts of a file of code: its statements, its imports. Read once, and remembered beside the compiled file.

Every start of Snakemake asks this of the whole package, and each job on a cluster starts Snakemake twice.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

AFFECTS_RESULTS = False


@dataclass(frozen=True)
class Source:
    """What counts of a file of code."""

    #: Hash of its statements: without comments, formatting, docstrings and definitions of settings.
    code: str
    #: Dotted names in all import statements, relative ones with their dots: sorted.
    imports: tuple[str, ...]
    #: Whether it does not say ``AFFECTS_RESULTS = False``.
    affects_results: bool


@cache
def read_source(path: Path) -> Source:
    """What counts of the file at `path`; taken from the note beside its compiled form where that fits its bytes."""
    text = path.read_bytes()
    # Another version of this module may see other things in the same file.
    content = hashlib.sha256(_own_bytes() + text).hexdigest()
    note = Path(importlib.util.cache_from_source(str(path))).with_suffix(".source.json")
    if known := _recall(note, content):
        return known

    source = parse(text.decode())
    _remember(note, content, source)
    return source


def parse(text: str) -> Source:
    """What counts of code."""
    tree = ast.parse(text)
    said = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
    affects = "AFFECTS_RESULTS = False" not in said
    imports = tuple(sorted(set(_imported(tree))))

    # What a job's settings are is among its params: how a setting is described and bounded changes no result.
    tree.body = [node for node in tree.body if not _defines_settings(node)]
    for node in ast.walk(tree):
        if isinstance(
            node, (ast.Module, ast.ClassDef, ast.FunctionDef)
        ) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]

    # A dump holds no line numbers: code that only moves keeps its hash.
    code = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return Source(code, imports, affects)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            # what follows may be a module or an object
            joint = "" if base.endswith(".") else "."
            yield from (f"{base}{joint}{alias.name}" for alias in node.names)


def _defines_settings(node: ast.stmt) -> bool:
    """Whether a statement is a class of settings (`grnformer.settings`)."""
    return isinstance(node, ast.ClassDef) and [
        ast.unparse(base) for base in node.bases
    ] == ["Settings"]


@cache
def _own_bytes() -> bytes:
    return Path(__file__).read_bytes()


def _recall(note: Path, content: str) -> Source | None:
    """What the note says, if it is of this content; a damaged note is as none."""
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        if known.pop("content") != content:
            return None
        return Source(**known | {"imports": tuple(known["imports"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _remember(note: Path, content: str, source: Source) -> None:
    """Leave the note, whole or not at all; as Python's compiled files, it is left out where it cannot be written."""
    partial = note.with_suffix(f".{os.getpid()}")
    try:
        note.parent.mkdir(exist_ok=True)
        partial.write_text(json.dumps(asdict(source) | {"content": content}))
        partial.replace(note)
    except OSError:
        return
