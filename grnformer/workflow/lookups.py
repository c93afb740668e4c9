"""Functions for rules: of wildcards, to what a dataset's settings say; of attempts, to resources.

Snakemake calls what these return with the job's wildcards.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
OfWildcards = Callable[[Any], Any]
RESUMED = {"pretrain_model"}
SOURCES: dict[str, list[str]] = {}  # dataset -> the user's files of its samples


class Lookup:
    """Looks a dataset's settings up, by the wildcard ``dataset``.

    Parameters
    ----------
    configs
        Dataset -> its configuration.
    """

    def __init__(self, configs: Mapping[str, Mapping[str, Any]]) -> None:
        self.configs = configs

    def setting(self, place: str, *keys: str) -> OfWildcards:
        """Return a function to the part of the config at `place` (``grn.tfs``), or to the named keys of that part."""

        def of_dataset(wildcards: Any) -> Any:
            part = self._at(place, wildcards)
            return {key: part[key] for key in keys} if keys else part

        return of_dataset

    def method(self, place: str, *keys: str) -> OfWildcards:
        """Return a function to the method at `place`, the settings under its name, if any, and the named keys."""

        def of_dataset(wildcards: Any) -> Any:
            part = self._at(place, wildcards)
            # only the chosen method's settings: those of others must not rerun its jobs
            settings = [part["method"]] if part["method"] in part else []
            return {key: part[key] for key in ("method", *settings, *keys)}

        return of_dataset

    def _at(self, place: str, wildcards: Any) -> Any:
        part: Any = self.configs[wildcards.dataset]
        for key in place.split("."):
            part = part[key]
        return part


def as_json(of_wildcards: OfWildcards) -> OfWildcards:
    """Return a function to the same as JSON, for the command line of a program."""

    def encoded(wildcards: Any) -> str:
        return json.dumps(of_wildcards(wildcards), sort_keys=True)

    return encoded


def merged(*of_wildcards: OfWildcards) -> OfWildcards:
    """Return a function to the union of what the functions give."""

    def together(wildcards: Any) -> dict[str, Any]:
        union: dict[str, Any] = {}
        for give in of_wildcards:
            union |= give(wildcards)
        return union

    return together


def only_of(datasets: Iterable[str]) -> Callable[..., OfWildcards]:
    """Return a function from patterns of files (or a function to such) to these, for some `datasets` only.

    Of other datasets there are none.
    """
    chosen_ones = set(datasets)

    def of_patterns(*patterns: Any) -> OfWildcards:
        def of_wildcards(wildcards: Any) -> Any:
            if wildcards.dataset not in chosen_ones:
                return []
            given = [p(wildcards) if callable(p) else p for p in patterns]
            # a script gets one file as a path, not as a list of one
            return given[0] if len(given) == 1 else given

        return of_wildcards

    return of_patterns


def on_demand(call: Callable[..., T], *arguments: Any) -> Callable[[Any], T]:
    """Return a function that makes the call for a job that is planned, not whenever the workflow is read."""

    def of_wildcards(wildcards: Any) -> T:
        return call(*arguments)

    return of_wildcards


#: Fraction of a text file's size that its contents take in a compressed .h5ad: most entries of a dense table are 0.
BINARY = {".csv": 0.1, ".tsv": 0.1, ".txt": 0.1, ".mtx": 0.25}


def growing(
    least: int, per_mb: float = 0.0, most: float = math.inf
) -> Callable[..., int]:
    """Return a resource (MB, minutes) that grows with the size of the inputs and with each attempt.

    Parameters
    ----------
    least
        For small inputs.
    per_mb
        More for each MB of the input files.
    most
        At the first attempt; for rules of which an input is a database that is read in parts.
    """

    def of_job(wildcards: Any, attempt: int, input: Iterable[str] = ()) -> int:
        # without need the files are not looked at
        size = expected_mb(wildcards, input) if per_mb else 0.0
        return math.ceil(min(least + per_mb * size, most)) * attempt

    return of_job


def let_grow(rules: Iterable[Any]) -> None:
    """Let memory and time that `--set-resources` or a profile gives as numbers grow with each attempt, as ours do.

    But not those of a job that goes on where it stopped: they are what a node and the partition allow.
    """
    for rule in rules:
        for name in ("mem_mb", "runtime"):
            given = rule.resources.get(name)
            amount = None if given.is_evaluable() else given.value
            if isinstance(amount, int) and rule.name not in RESUMED:
                rule.resources[name] = growing(amount)


def by_size(
    most: int, per_mb: float, joining: OfWildcards | None = None
) -> Callable[..., int]:
    """Return threads by the size of the inputs: 1 for small ones, never more than `most`.

    Parameters
    ----------
    per_mb
        Threads for each MB of the input files.
    joining
        Function to the parts that a job joins, if it does: in one thread.
    """

    def of_job(wildcards: Any, input: Iterable[str] = ()) -> int:
        if joining is not None and joining(wildcards):
            return 1
        size = expected_mb(wildcards, input)
        return min(most, max(1, math.ceil(per_mb * size)))

    return of_job


def expected_mb(wildcards: Any, paths: Iterable[str]) -> float:
    """Size of a job's inputs in MB; where some are not made yet, the samples of its dataset stand for these.

    Snakemake asks again when the job starts, but of jobs that it submits as one (`groups` of a profile) it asks only
    before the first.
    """
    paths = list(paths)
    there = [path for path in paths if os.path.exists(path)]
    if len(there) < len(paths):
        # of a corpus, or without a dataset: of all
        named = SOURCES.get(getattr(wildcards, "dataset", ""))
        sources = named or list(chain.from_iterable(SOURCES.values()))
        there += [path for path in sources if os.path.exists(path)]
    return size_mb(there)


def size_mb(paths: Iterable[str]) -> float:
    """Size of the files, and of the files in folders (as .zarr), in MB; of text, what it comes to as a binary file."""
    return sum(map(_size, paths)) / 1e6


def _size(path: str) -> float:
    if os.path.isdir(path):
        return sum(file.stat().st_size for file in Path(path).rglob("*"))
    return os.stat(path).st_size * BINARY.get(Path(path).suffix, 1.0)


def one_of(names: Iterable[str]) -> str:
    """Return a wildcard constraint: one of the names; without any, nothing."""
    # an empty pattern would match the empty name
    return "|".join(re.escape(name) for name in names) or "(?!)"


def chosen(names: Iterable[str], wanted: Iterable[str] | None) -> list[str]:
    """Return the names that are wanted; all of them where `wanted` is None."""
    wanted = None if wanted is None else set(wanted)
    return [name for name in names if wanted is None or name in wanted]
