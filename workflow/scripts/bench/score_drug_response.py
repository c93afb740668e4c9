"""Score the predictions of all arms, floors and the expression reference, and sum them up."""

from grnformer.job import job

with job(snakemake):
    import pandas as pd

    from grnformer import io
    from grnformer.bench.drug_response.score import score_predictions
    from grnformer.bench.summary import summarise_scores

    params = snakemake.params
    kinds = {"model": snakemake.input.models, "floor": snakemake.input.floors, "reference": snakemake.input.reference}
    tables = [
        score_predictions(io.read_table(path, "drug_predictions"), split, kind)
        for kind, paths in kinds.items()
        for path, split in zip(paths, params.splits * (len(paths) // len(params.splits)), strict=True)
    ]
    scores = pd.concat(tables, ignore_index=True)
    io.write_table(scores, snakemake.output.scores, "scores")
    summary = summarise_scores(scores, n_resamples=params.n_resamples, seed=params.seed)
    io.write_table(summary, snakemake.output.summary, "summary")
