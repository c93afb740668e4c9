"""Put the scores of models, controls and expression together, and sum them up."""

from grnformer.core.job import job

with job(snakemake):
    import pandas as pd

    from grnformer.bench.summary import summarise_scores
    from grnformer.core import io
    from grnformer.model.alike import check_trained_alike

    given, out = snakemake.input, snakemake.output
    check_trained_alike(given.cards)
    parts = [io.read_table(given.expression, "scores")]
    for kind, paths in {"model": given.models, "control": given.controls}.items():
        parts += [io.read_table(path, "scores").assign(kind=kind) for path in paths]
    scores = pd.concat(parts, ignore_index=True)
    io.write_table(scores, out.scores, "scores")

    params = snakemake.params
    summary = summarise_scores(scores, n_resamples=params.n_resamples, seed=params.seed)
    io.write_table(summary, out.summary, "summary")
    paths = [given.expression_choices, *given.choices]
    chosen = [io.read_table(path, "sc_drug_choices") for path in paths]
    io.write_table(pd.concat(chosen, ignore_index=True), out.choices, "sc_drug_choices")
