"""Collect time and memory of all jobs from the benchmark files that are there."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    from grnformer.core.io import write_table
    from grnformer.report.costs import collect_costs

    costs = collect_costs(Path(snakemake.params.folder), snakemake.params.names)
    write_table(costs, snakemake.output[0], "costs")
