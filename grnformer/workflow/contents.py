"""What is in the user's files and in fetched resources, as a param of each job that reads them.

Snakemake runs a job again when an input is newer than its output. A file that another one of an older date replaces
(`cp -p`, `mv`, a restored backup) is not newer, nor is a folder in which a file changes. Params are compared by value.
The other way round, a resource that is fetched or copied again is newer and the same: its SHA-256 counts, not its date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from grnformer.core.digests import describe_content, files_below

READ_UP_TO = 16 * 2**20  # bytes of a file or folder that are read at the plan
_PINNED = "sha256"  # flag of a path


def pinned(path: str, sha256: str | None) -> Any:
    """Mark the path of a fetched resource: what counts is its SHA-256 in the registry."""
    from snakemake.io import ancient, flag

    return flag(ancient(path), _PINNED, sha256)


def watch_contents(rules: Iterable[Any], checkout: Path) -> None:
    """Give the rules of the checkout that write files (Snakemake's `Rule`) the param `contents`."""
    for rule in rules:
        ours = Path(str(rule.snakefile)).resolve().is_relative_to(checkout)
        if ours and rule.output and not hasattr(rule.params, "contents"):
            rule.set_params(contents=_contents_read_by(rule))


def _contents_read_by(rule: Any) -> Callable[[Any], dict[str, str]]:
    """Return a function of wildcards to the digests of the user's files and of resources among a job's inputs."""

    # A function that asks for `input` would do, but Snakemake does not compare what that returns.
    def of_wildcards(wildcards: Any) -> dict[str, str]:
        inputs = rule.expand_input(dict(wildcards.items()))[0]
        # all that bear no mark are written by jobs, and newer than what they are made of
        return {
            str(path): digest
            for path in inputs
            if (digest := _digest_by_mark(path)) is not None
        }

    return of_wildcards


def _digest_by_mark(path: Any) -> str | None:
    if _PINNED in path.flags:
        return f"sha256:{path.flags[_PINNED]}"
    # marked by `path_of`
    return digest_of(str(path)) if "local" in path.flags else None


@cache
def digest_of(path: str) -> str:
    """Digest (16 hex digits) of a file, or of all files of a folder; empty where nothing is there.

    Up to 16 MiB, of what is in them, whatever their dates. Beyond, of names, sizes, dates and 1 MiB in 16 blocks, so
    that planning reads no large file: of the same size and nanosecond, what lies between the blocks is not seen.
    """
    content = describe_content(path, READ_UP_TO)
    if content.startswith("samples:"):
        dates = [file.stat().st_mtime_ns for file in files_below(path)]
        content = f"{content} {dates}"
    return hashlib.sha256(content.encode()).hexdigest()[:16] if content else ""
