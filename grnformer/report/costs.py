"""Time and memory of every job, from the benchmark files that Snakemake wrote and what jobs left beside their logs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd

from grnformer.core import io
from grnformer.core.costs import BESIDE

WHOLE_RUN = "all"  # in place of a dataset
# neither `report`, which cannot hold its cost, nor `resources`: what is fetched depends on what is there
STAGES = ("prep", "topics", "grn", "fuse", "pretrain", "attention", "embed", "bench")
MEASURED = ("wall_seconds", "cpu_seconds", "peak_memory_mb")


def collect_costs(folder: Path, logs: Path, names: Collection[str]) -> pd.DataFrame:
    """Return time and memory of every job whose benchmark file is there (contract costs).

    Parameters
    ----------
    folder
        Of the benchmark files: <name>/<stage>/<job>.tsv, or <stage>/<job>.tsv for jobs of the whole run. A rerun of
        the network has a stage folder of its name, grn_seed2.
    logs
        Of the logs, named as the benchmark files. Beside them lies what a job measured itself, which replaces
        Snakemake's samples.
    names
        Datasets and corpora of this run. Files of others are left out: an earlier configuration wrote them.

    Returns
    -------
    One row a job, NaN where it was too short to be measured.
    """
    rows = [_cost(folder, logs, path) for path in _files(folder, names)]
    table = pd.DataFrame(rows, columns=["dataset", "stage", "job", *MEASURED])
    return table.astype(dict.fromkeys(MEASURED, float))  # an empty table has no types


def _files(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """Benchmark files of the datasets and corpora, then those of the whole run, in the order of the stages."""
    for owner in (*(folder / name for name in names), folder):
        for stage in STAGES:
            for place in (owner / stage, *sorted(owner.glob(f"{stage}_*"))):
                yield from sorted(place.glob("*.tsv"))


def _cost(folder: Path, logs: Path, path: Path) -> dict[str, str | float]:
    name = path.relative_to(folder)
    *owner, stage_folder, file = name.parts
    # grn_seed2: the stage grn, rerun under another seed.
    stage, _, run = stage_folder.partition("_")
    job = file.removesuffix(".tsv") + (f".{run}" if run else "")

    # Snakemake writes a dash for what was too short to be measured.
    measured = pd.read_csv(path, sep="\t").apply(pd.to_numeric, errors="coerce")
    # Of repeats, times by their mean and memory by its peak.
    cost = {
        "wall_seconds": float(measured["s"].mean()),
        "cpu_seconds": float(measured["cpu_time"].mean())
        if "cpu_time" in measured
        else float("nan"),
        "peak_memory_mb": float(measured["max_rss"].max()),
    }
    own = (logs / name).with_suffix(BESIDE)
    if own.exists():
        cost = _exact(cost, io.read_json(own))
    return {
        "dataset": owner[0] if owner else WHOLE_RUN,
        "stage": stage,
        "job": job,
        **cost,
    }


def _exact(sampled: dict[str, float], own: dict[str, float]) -> dict[str, float]:
    """Snakemake's wall time, and the job's own CPU time; memory by the higher peak.

    Snakemake adds up the processes of a job, which the job does not.
    """
    # the first stays where the second is NaN
    peak = max(own["peak_memory_mb"], sampled["peak_memory_mb"])
    return sampled | {"cpu_seconds": own["cpu_seconds"], "peak_memory_mb": peak}
