"""Join the summaries of all benchmarks, with what each rests on, by the records beside the jobs' logs."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import write_json, write_table
    from grnformer.core.record import read_records
    from grnformer.report.render import results_of
    from grnformer.report.run_summary import summarise_run, tabulate_metrics

    settings, output = snakemake.params, snakemake.output
    summary = summarise_run(
        snakemake.input.summaries,
        results_of(output.summary, settings.config),
        read_records(settings.folder),
        settings.config,
        settings.commit,
        snakemake.input.heldout,
    )
    write_table(tabulate_metrics(summary), output.metrics, "metrics")
    write_json(summary, output.summary, "run_summary")
