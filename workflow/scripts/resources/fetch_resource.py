"""Fetch one pinned resource and check its SHA-256."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.resources import fetch

    fetch(
        snakemake.wildcards.resource,
        snakemake.params.entry,
        snakemake.output[0],
        snakemake.params.mirror,
    )
