"""Set this run and others side by side on one page."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.report.joined import read_runs, write_joined

    inputs, output = snakemake.input, snakemake.output
    others = [inputs.others] if isinstance(inputs.others, str) else inputs.others
    names = ["this run", *snakemake.params.names]
    runs = read_runs(dict(zip(names, [inputs.own, *others], strict=True)))
    write_joined(runs, inputs.template, output.page, output.tables)
