"""Score the predictions of all arms, baselines and the expression reference, and sum them up."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import pandas as pd

    from grnformer.bench.drug_response.score import score_predictions
    from grnformer.bench.summary import summarise_scores
    from grnformer.core import io
    from grnformer.model.alike import check_trained_alike

    given = snakemake.input
    check_trained_alike(given.cards)
    kinds = {
        "model": given.models,
        "control": given.controls,
        "baseline": given.baselines,
        "reference": given.reference,
    }
    naive = {
        Path(path).stem: io.read_table(path, "drug_predictions")
        for path in given.baselines
    }
    tables = [
        score_predictions(
            io.read_table(path, "drug_predictions"),
            Path(path).stem,
            kind,
            naive[Path(path).stem],
        )
        for kind, paths in kinds.items()
        for path in paths
    ]
    scores = pd.concat(tables, ignore_index=True)
    io.write_table(scores, snakemake.output.scores, "scores")
    summary = summarise_scores(
        scores, n_resamples=snakemake.params.n_resamples, seed=snakemake.params.seed
    )
    io.write_table(summary, snakemake.output.summary, "summary")
