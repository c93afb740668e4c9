"""Set this run and others side by side on one page."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.report.joined import read_runs, set_beside, write_joined

    inputs, output = snakemake.input, snakemake.output
    others = dict(zip(snakemake.params.names, inputs.others, strict=True))
    runs = read_runs(set_beside(inputs.own, others))
    write_joined(runs, inputs.template, output.page, output.tables)
