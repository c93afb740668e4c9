"""What made a file: rule, settings, code, inputs and software. The file carries it, and whoever reads several compares.

A job's record is made when it starts (`start`) and put by `grnformer.core.io` into the metadata of what it writes:
Parquet, .h5ad, .h5mu and model.json; for all others it lies beside the log. It names no time, no thread count and no
place of the machine, so that the same commit and config give the same bytes. Snakemake's own notes are lost when it is
killed; the record is not.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grnformer
from grnformer.core.compare import differences, short
from grnformer.core.digests import describe_content
from grnformer.core.errors import InputError
from grnformer.core.fingerprint import PACKAGE, git_commit

AFFECTS_RESULTS = False
Record = dict[str, Any]

#: Name of the record in a file's metadata.
KEY = "grnformer"
BESIDE = ".record.json"  # in place of a log's suffix, with the record of its job
READ_UP_TO = 2**30  # bytes of an input that are read for its digest
LIBRARIES = (
    "snakemake", "scanpy", "anndata", "mudata", "numpy", "scipy", "pandas", "scikit-learn", "numba", "tomotopy",
    "torch", "torch-geometric", "lightning-fabric", "rdkit", "plotly", "pyarrow",
)  # fmt: skip
#: Params that are no settings.
_NO_SETTINGS = {"code", "contents", "folder"}
#: Settings of pretraining of where and how it runs, not of what comes out: they may change between an interruption and
#: its resumption.
RUN_TIME = {
    "strategy",
    "checkpoints",
    "workers",
    "progress_seconds",
    "tensorboard",
    "accumulate",
    "compile",
}
#: What an arm may have otherwise -> what of a model differs with it.
ARM_SETTINGS = {
    "gnn": ("size.gnn.name",),
    "perturbed_fraction": ("perturbed_fraction",),
    "backbone": (
        "backbone",
        "size.backbone",
        "size.n_tokens",
        "size.expressed_fraction",
        "size.mask_fraction",
        "tokeniser",
        "code",
    ),
}
#: Wildcard -> params that follow from it. All others are the same for all jobs of a rule on one dataset.
_FOLLOWS = {
    "arm": {"arm"},
    "graph": {"code", "knowledge"},
    "labelled": {"entry"},
    "profiled": {"entry"},
    "rna": {"cell_type"},
    "run": {"seed"},
    "sample": {"row"},
    "scatteritem": {"part"},
    "stage": {"stage"},
}
_HDF5 = (".h5ad", ".h5mu")
_current: Record | None = None


def start(snakemake: Any) -> Record:
    """Make the record of a job that starts, after a check of its inputs; what is written from here on carries it.

    Raises
    ------
    InputError
        If inputs do not go together (`check_together`), or a fetched resource is not the registry's.
    """
    params = dict(snakemake.params.items())
    # the user's files and fetched resources; all others are made by jobs
    given = params.get("contents", {})
    made = {path: read_record(path) for path in snakemake.input if path not in given}
    records = {path: record for path, record in made.items() if record}
    check_together(records)

    inputs = []
    jobs: dict[str, str] = {}
    files: dict[tuple[str, str], None] = {}
    for path in snakemake.input:
        entry = {"file": _without_place(str(path))}
        if path in records:
            entry["made"] = fingerprint(records[path])
            jobs |= records[path]["rests_on"]["jobs"] | {
                job_of(records[path]): entry["made"]
            }
            files |= {
                (file["file"], file["digest"]): None
                for file in records[path]["rests_on"]["files"]
            }
        else:
            entry["digest"] = describe_content(path, READ_UP_TO)
            if path in given:
                _check_pinned(path, given[path], entry["digest"])
                files[entry["file"], entry["digest"]] = None
        inputs.append(entry)

    record = {
        "rule": snakemake.rule,
        "wildcards": dict(snakemake.wildcards.items()),
        "settings": portable(
            {name: value for name, value in params.items() if name not in _NO_SETTINGS}
        ),
        "code": params.get("code"),
        "inputs": inputs,
        "outputs": [_without_place(str(path)) for path in snakemake.output],
        "rests_on": {
            "jobs": dict(sorted(jobs.items())),
            "files": [{"file": file, "digest": mark} for file, mark in sorted(files)],
        },
        "software": software(),
    }
    use(record)
    return record


def use(record: Record | None) -> None:
    """Let what this process writes from here on carry `record`; None: no record."""
    global _current
    _current = record


@contextmanager
def carried(record: Record | None) -> Iterator[None]:
    """Let what is written in a `with` block carry `record`, and what comes after it what it carried before."""
    before = _current
    use(record)
    try:
        yield
    finally:
        use(before)


def current() -> Record | None:
    """Record of the running job; None outside of jobs."""
    return _current


def as_text(record: Record) -> str:
    """As JSON: the same text for the same record."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def job_of(record: Record) -> str:
    """Name of the job: its rule and wildcards."""
    wildcards = sorted(record["wildcards"].items())
    return " ".join([record["rule"], *(f"{name}={value}" for name, value in wildcards)])


def fingerprint(record: Record) -> str:
    """Hash (16 hex digits) of what the results of a job follow from."""
    keys = ("rule", "wildcards", "settings", "code", "inputs")
    return hash_content([record[key] for key in keys])


def settings_fingerprint(record: Record) -> str:
    """Hash (16 hex digits) of a job's settings."""
    return hash_content(record["settings"])


def software() -> dict[str, str]:
    """Versions of grnformer, with its git commit, of Python and of main libraries."""
    return {
        "grnformer": grnformer.__version__,
        "commit": git_commit(PACKAGE.parent),
        "Python": platform.python_version(),
        **library_versions(),
    }


def library_versions() -> dict[str, str]:
    """Versions of the libraries that results may depend on."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def read_record(path: str | Path) -> Record | None:
    """Read the record that a file carries, or a file in a folder (a model, a bundle); None where there is none.

    A file that cannot be read has none: the job that reads it says what is wrong with it.
    """
    path = Path(path)
    if path.is_dir():
        carriers = (
            record
            for file in sorted(path.iterdir())
            if file.name == "model.json" or file.suffix in (".parquet", *_HDF5)
            if (record := read_record(file))
        )
        return next(carriers, None)
    try:
        text = _read_text(path)
        return json.loads(text) if text else None
    # of pyarrow, h5py and json
    except (OSError, ValueError, KeyError, RuntimeError):
        return None


def records_beside(logs: str | Path) -> Iterator[tuple[Record, Path]]:
    """Records that lie beside logs below a folder, and their files, in order of their paths.

    One that cannot be read (a job was killed as it wrote) is left out.
    """
    for path in sorted(Path(logs).rglob(f"*{BESIDE}")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and "outputs" in record:
            yield record, path


def read_records(logs: str | Path) -> dict[str, Record]:
    """Output, as its job was given it -> record, of all jobs whose records lie beside their logs below a folder."""
    found: dict[str, Record] = {}
    for record, _ in records_beside(logs):
        found |= dict.fromkeys(record["outputs"], record)
    return found


def shared_settings(record: Record) -> Record:
    """Settings that all jobs of the rule share on a dataset."""
    follows = _following(record)
    return {
        name: value for name, value in record["settings"].items() if name not in follows
    }


def check_together(records: Mapping[str, Record]) -> None:
    """Raise InputError if files that one job reads are not of one state of settings, code and input.

    Parameters
    ----------
    records
        Path -> record. Files without a record are accepted: they are of the user, or of an earlier version.

    Raises
    ------
    InputError
        If two rest on different results of one job, or are of one rule and dataset, made with other settings or code.
    """
    known: dict[str, tuple[str, str]] = {}
    alike: dict[tuple[str, str | None], str] = {}
    for path, record in records.items():
        group = (record["rule"], record["wildcards"].get("dataset"))
        first = alike.setdefault(group, path)
        _check_alike(first, records[first], path, record)

        for job, mark in _jobs_behind(record):
            other, before = known.setdefault(job, (path, mark))
            if before != mark:
                raise InputError(
                    f"{other} and {path} rest on different results of the job {job}",
                    "files that follow from the same settings, code and input",
                    f"make what rests on it anew: the same command with --forcerun {job.split()[0]}",
                )


def _check_alike(first: str, one: Record, path: str, other: Record) -> None:
    """Raise InputError if two files of one rule differ in more than follows from their wildcards."""
    free = own_settings(one["settings"].get("arm"), other["settings"].get("arm"))
    for place, value, differing in differences(_common(one), _common(other)):
        # most rules have one param `settings`
        name = place.removeprefix("settings.").removeprefix("settings.")
        if is_below(name, free):
            continue
        rule = one["rule"]
        raise InputError(
            f"{first} was made with {name} {short(value)}, {path} with {short(differing)}",
            f"files of the rule {rule} that were made by the same settings and code",
            "delete the one that is not of the settings and code of today, and run again; "
            f"snakemake --forcerun {rule} makes all anew",
        )


def own_settings(one: Any, other: Any) -> set[str]:
    """What of a model differs because these arms (maps, or None) name other values."""
    arms = [arm if isinstance(arm, Mapping) else {} for arm in (one, other)]
    return {
        place
        for key, places in ARM_SETTINGS.items()
        if arms[0].get(key) != arms[1].get(key)
        for place in places
    }


def is_below(place: str, places: Iterable[str]) -> bool:
    """Whether a place of nested settings is one of these, or below one."""
    return any(place == above or place.startswith(f"{above}.") for above in places)


def _common(record: Record) -> Record:
    """Settings and code that all jobs of the rule share on a dataset."""
    return {
        "settings": shared_settings(record),
        "code": None if "code" in _following(record) else record["code"],
    }


def _following(record: Record) -> set[str]:
    """Params that follow from the job's wildcards other than the dataset."""
    return set().union(*(_FOLLOWS.get(name, ()) for name in record["wildcards"]))


def _jobs_behind(record: Record) -> Iterator[tuple[str, str]]:
    """Name and fingerprint of the job itself and of all jobs that its inputs rest on."""
    yield job_of(record), fingerprint(record)
    yield from record["rests_on"]["jobs"].items()


def _check_pinned(path: str, pinned: str, found: str) -> None:
    """Raise InputError if a fetched resource has another SHA-256 than the registry's."""
    if pinned.startswith("sha256:") and found != pinned:
        raise InputError(
            f"{path} has {found or 'no content'}",
            f"{pinned}, as the resource registry says",
            f"delete {path} and run again: it is fetched anew. `grnformer fetch` does so where there is a network",
        )


def _read_text(path: Path) -> str | None:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        found = (pq.read_schema(path).metadata or {}).get(KEY.encode())
        return found.decode() if found else None
    if path.suffix in _HDF5:
        import h5py

        with h5py.File(path, "r") as handle:
            return handle.attrs.get(KEY)
    if path.name == "model.json":
        card = json.loads(path.read_text(encoding="utf-8"))
        return json.dumps(card.get("record")) if isinstance(card, dict) else None
    return None


def portable(value: Any) -> Any:
    """A value of the settings as JSON has it, without what says where and how a job runs."""
    if isinstance(value, Mapping):
        return {
            str(key): portable(part)
            for key, part in value.items()
            if key not in RUN_TIME
        }
    if isinstance(value, list | tuple):
        return [portable(part) for part in value]
    if isinstance(value, str | Path):
        return _without_place(str(value))
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _without_place(path: str) -> str:
    """Of an absolute path its last part: where a file lies on a machine makes no result."""
    return Path(path).name if os.path.isabs(path) else path


def hash_content(content: Any) -> str:
    """Hash (16 hex digits) of what JSON can hold."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
