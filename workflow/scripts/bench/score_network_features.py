"""Score TF activities of cell lines, by right and rewired networks, as features for drug response."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    from grnformer.bench.drug_response.network_features import (
        edges_of_eregulons,
        known_network,
        score_network_features,
    )
    from grnformer.bench.summary import summarise_scores
    from grnformer.core import io
    from grnformer.grn.prior import read_prior

    given, params = snakemake.input, snakemake.params
    settings = dict(params.settings)
    collections = settings.pop("collections")
    networks = known_network(read_prior(given.prior), collections)
    eregulons = io.read_table(given.eregulons, "eregulons")
    networks["eregulons"] = edges_of_eregulons(eregulons)
    scores = score_network_features(
        io.read_table(given.responses, "drug_responses"),
        io.read_anndata(given.expression, "line_expression").to_df(),
        {Path(path).stem: io.read_table(path, "drug_split") for path in given.parts},
        networks,
        **settings,
    )
    summary = summarise_scores(scores, n_resamples=params.n_resamples, seed=params.seed)
    io.write_table(scores, snakemake.output.scores, "scores")
    io.write_table(summary, snakemake.output.summary, "summary")
