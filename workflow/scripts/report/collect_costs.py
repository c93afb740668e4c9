"""Collect time and memory of all jobs from the benchmark files and logs that are there."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    from grnformer.core.io import write_table
    from grnformer.report.costs import collect_costs

    settings = snakemake.params
    costs = collect_costs(Path(settings.folder), Path(settings.logs), settings.names)
    write_table(costs, snakemake.output[0], "costs")
