"""Render the page of what is there once a stage is done."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.report.render import render

    render(snakemake.input, snakemake.output, snakemake.params, snakemake.params.stage)
