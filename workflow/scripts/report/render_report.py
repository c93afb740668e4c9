"""Render the page and its tables from the outputs of all stages."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.report.render import render

    render(snakemake.input, snakemake.output, snakemake.params)
