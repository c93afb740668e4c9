"""What is in the user's files, as a param of each job that reads them.

Snakemake runs a job again when an input is newer than its output. A file that another one of an older date replaces
(`cp -p`, `mv`, a restored backup) is not newer, nor is a folder in which a file changes. Params are compared by value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

READ_UP_TO = 16 * 2**20  # bytes of a file or folder that are read at the plan


def watch_contents(rules: Iterable[Any], checkout: Path) -> None:
    """Give the rules of the checkout that write files (Snakemake's `Rule`) the param `contents`."""
    for rule in rules:
        ours = Path(str(rule.snakefile)).resolve().is_relative_to(checkout)
        if ours and rule.output and not hasattr(rule.params, "contents"):
            rule.set_params(contents=_contents_read_by(rule))


def _contents_read_by(rule: Any) -> Callable[[Any], list[str]]:
    """Return a function of wildcards to the digests of the user's files among a job's inputs."""

    # A function that asks for `input` would do, but Snakemake does not compare what that returns.
    def of_wildcards(wildcards: Any) -> list[str]:
        inputs = rule.expand_input(dict(wildcards.items()))[0]
        # marked by `path_of`: all others are written by jobs, and newer than what they are made of
        return [digest_of(str(path)) for path in inputs if "local" in path.flags]

    return of_wildcards


@cache
def digest_of(path: str) -> str:
    """Digest (16 hex digits) of a file, or of all files of a folder; empty where nothing is there.

    Up to 16 MiB, of what is in them, whatever their dates. Beyond, of names, sizes and dates (a file of the same size
    and of the same nanosecond is taken for the same), so that planning reads no large file.
    """
    top = Path(path)
    files = sorted(file for file in top.rglob("*") if file.is_file())
    files = [top] if top.is_file() else files
    found = [(file, file.stat()) for file in files]
    if not found:
        return ""

    digest = hashlib.sha256()
    is_read = sum(stat.st_size for _, stat in found) <= READ_UP_TO
    for file, stat in found:
        digest.update(f"{file.relative_to(top)}\0{stat.st_size}\0".encode())
        digest.update(file.read_bytes() if is_read else str(stat.st_mtime_ns).encode())
    return digest.hexdigest()[:16]
