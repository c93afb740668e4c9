"""Score predicted profiles on cells that no prediction has seen, and sum the scores up."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.perturbation_profiles.score import (
        score_profiles,
        summarise_profiles,
    )
    from grnformer.core import io

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    of = snakemake.wildcards
    scores = score_profiles(
        io.read_anndata(given.profiles, "perturbation_profiles"),
        io.read_table(given.split, "perturbation_split"),
        io.read_anndata(given.predictions, "profile_predictions"),
        of.profiled,
        of.held_out,
        params.controls,
    )
    summary = summarise_profiles(scores, params.n_resamples, params.seed)
    io.write_table(scores, out.scores, "scores")
    io.write_table(summary, out.summary, "summary")
