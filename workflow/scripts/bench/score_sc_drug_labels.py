"""Score predictions of labelled cells beside controls, by set of cells, and sum them up."""

from grnformer.core.job import job

with job(snakemake):
    import pandas as pd

    from grnformer.bench.sc_drug.entries import is_embeddable
    from grnformer.bench.sc_drug.labelled import score_cells
    from grnformer.bench.summary import summarise_scores
    from grnformer.core import io

    given, params = snakemake.input, snakemake.params
    rest = iter(given.embedded)
    parts = []
    for predictions, labels, entry in zip(
        given.predictions, given.labels, params.entries, strict=True
    ):
        table = io.read_table(predictions, "cell_predictions")
        if params.arms and is_embeddable(entry):
            embedded = io.read_table(next(rest), "cell_predictions")
            table = table.merge(embedded, on="cell", validate="1:1")
        cells = io.read_table(labels, "cell_labels")
        parts.append(score_cells(table, cells, entry, params.scoring, params.arms))
    scores = pd.concat(parts, ignore_index=True)
    io.write_table(scores, snakemake.output.scores, "scores")
    summary = summarise_scores(scores, n_resamples=params.n_resamples, seed=params.seed)
    io.write_table(summary, snakemake.output.summary, "summary")
