"""Score the predictions of all arms for one screen's responses or directions, and sum them up."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.perturbation.score import score_screen
    from grnformer.bench.summary import summarise_scores
    from grnformer.core import io

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    of = snakemake.wildcards
    kinds = {None: [given.predictions, *given.networks]}
    kinds |= {"model": given.models, "control": given.controls}
    tables = [
        (io.read_table(path, "perturbation_predictions"), kind)
        for kind, paths in kinds.items()
        for path in paths
    ]
    task = f"{of.screen} {of.label}"
    scores = score_screen(tables, task, params.n_resamples, params.seed)
    summary = summarise_scores(scores, n_resamples=params.n_resamples, seed=params.seed)
    io.write_table(scores, out.scores, "scores")
    io.write_table(summary, out.summary, "summary")
