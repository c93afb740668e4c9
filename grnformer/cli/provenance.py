"""Print what made a file: rule, settings, seeds, code, commit, inputs and resources with their digests, software.

Parquet, .h5ad, .h5mu and models carry this themselves. Of text and figures it lies beside the log of the job.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from grnformer.core.compare import flatten
from grnformer.core.errors import InputError
from grnformer.core.place import ROOT
from grnformer.core.record import (
    Record,
    fingerprint,
    job_of,
    read_record,
    records_beside,
    settings_fingerprint,
)
from grnformer.workflow.config import read_registry

REGISTRY = ROOT / "config" / "resources.yaml"


def provenance(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="a file, or the folder of a model")
    ],
) -> None:
    """Print it."""
    record, place = find_record(file)
    sys.stdout.write("\n".join(describe(file, record, place)) + "\n")


def find_record(path: Path) -> tuple[Record, Path]:
    """Record of the job that made a file or folder, and the file that carries it.

    Raises
    ------
    InputError
        If there is nothing at `path`, or no record.
    """
    if not path.exists():
        raise InputError(f"nothing at {path}", "a file or folder", "correct the path")
    # of weights, in the card beside them
    carriers = [path, path.with_name("model.json")]
    for carrier in carriers[: 2 if path.suffix == ".safetensors" else 1]:
        if record := read_record(carrier):
            return record, carrier

    found = list(_beside_logs(path.resolve()))
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"{path} carries no record, and none of the job that wrote it lies in a folder `logs` above it",
        "a file that a job of this workflow wrote",
        "ask for one that carries it: .parquet, .h5ad, .h5mu or a model; what an original tool or an earlier version "
        "wrote has none",
    )


def _beside_logs(path: Path) -> Iterator[tuple[Record, Path]]:
    """Records, beside logs near `path`, of jobs that wrote it or a folder around it."""
    wrote = [str(place) for place in (path, *path.parents)]
    for folder in path.parents:
        for record, file in records_beside(folder / "logs"):
            outputs = [f"/{output}" for output in record["outputs"]]
            if any(place.endswith(output) for place in wrote for output in outputs):
                yield record, file


def describe(path: Path, record: Record, place: Path) -> list[str]:
    """Lines for the reader."""
    itself = place == path or path in place.parents
    where = str(place) if itself else f"{place}, since {path.name} is plain"
    made, settings = record["software"], dict(flatten(record["settings"]))
    seeds = {
        name: value
        for name, value in {**record["wildcards"], **settings}.items()
        if name.rpartition(".")[2] in ("seed", "seeds")
    }
    head = {
        "record in": where,
        "made by": job_of(record),
        "grnformer": f"{made['grnformer']}, commit {made['commit']}",
        "settings": f"fingerprint {settings_fingerprint(record)}",
        "code": f"fingerprint {record['code']}",
        "all of it": f"fingerprint {fingerprint(record)} (rule, settings, code, inputs)",
    }
    inputs = (
        (entry["file"], entry.get("digest") or f"made by a job, {entry['made']}")
        for entry in record["inputs"]
    )
    sources = _sources()
    files = (
        (
            entry["file"],
            " ".join(filter(None, [entry["digest"], sources.get(entry["digest"])])),
        )
        for entry in record["rests_on"]["files"]
    )
    return [
        str(path),
        *_block("", head.items()),
        *_block("Settings", settings.items()),
        *_block("Seeds", seeds.items()),
        *_block("Inputs", inputs),
        *_block("Given files and resources that it rests on", files),
        *_block("Jobs that it rests on", record["rests_on"]["jobs"].items()),
        *_block("Software", made.items()),
    ]


def _sources() -> dict[str, str]:
    """Digest -> where the resource of that content comes from."""
    if not REGISTRY.exists():
        return {}
    return {
        f"sha256:{entry['sha256']}": f"({name}, {entry['source']})"
        for name, entry in read_registry(REGISTRY).items()
    }


def _block(title: str, rows: Iterable[tuple[str, Any]]) -> list[str]:
    """A title and a line a row, values below each other."""
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    lines = [f"  {name:<{width}}  {value}" for name, value in rows] or ["  none"]
    return ["", title, *lines] if title else lines
