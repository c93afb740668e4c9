"""Time and memory of every job, from Snakemake's benchmark files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

_UNITS = {"s": "wall_seconds", "cpu_time": "cpu_seconds", "max_rss": "peak_memory_mb"}


def collect_costs(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Collect the costs of all jobs.

    Parameters
    ----------
    paths
        Benchmark files ``.../<dataset>/benchmark/<stage>/<job>.tsv``, or ``.../results/benchmark/<stage>/<job>.tsv``
        of jobs for all datasets.

    Returns
    -------
    Table by contract ``costs``: one row a job, in the order of the paths. Repeats of a job count once: mean times,
    highest memory. What Snakemake could not measure is NaN.
    """
    rows = []
    for path in paths:
        parts = Path(path).parts
        at = parts.index("benchmark")
        dataset = parts[at - 1] if at and parts[at - 1] != "results" else "all"
        job = "/".join(parts[at + 2 :]).removesuffix(".tsv")

        # A job too short to be measured has NA or -, older Snakemake no CPU time.
        numbers = pd.read_csv(path, sep="\t").apply(pd.to_numeric, errors="coerce").reindex(columns=list(_UNITS))
        about = {"dataset": dataset, "stage": parts[at + 1], "job": job}
        rows.append(about | numbers.agg({"s": "mean", "cpu_time": "mean", "max_rss": "max"}).to_dict())

    table = pd.DataFrame(rows, columns=["dataset", "stage", "job", *_UNITS]).rename(columns=_UNITS)
    return table.astype(dict.fromkeys(_UNITS.values(), float))
