"""Score the predictions of all arms for one screen's responses or directions, and sum them up."""

from grnformer.core.job import job

with job(snakemake):
    import pandas as pd

    from grnformer.bench.perturbation.score import score_predictions
    from grnformer.bench.summary import summarise_scores
    from grnformer.core import io

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    of = snakemake.wildcards
    tables = [
        score_predictions(
            io.read_table(path, "perturbation_predictions"),
            f"{of.screen} {of.label}",
            params.n_resamples,
            params.seed,
        )
        for path in [given.predictions, *given.networks]
    ]
    scores = pd.concat(tables, ignore_index=True)
    summary = summarise_scores(scores, n_resamples=params.n_resamples, seed=params.seed)
    io.write_table(scores, out.scores, "scores")
    io.write_table(summary, out.summary, "summary")
