"""Predict the tested pairs of a split by every naive baseline."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.drug_response.baselines import Grids
    from grnformer.bench.drug_response.learners import TreeSettings
    from grnformer.bench.drug_response.predict import crossvalidate_baselines
    from grnformer.core import io

    given, settings = snakemake.input, snakemake.params.settings
    predictions = crossvalidate_baselines(
        io.read_table(given.responses, "drug_responses"),
        io.read_table(given.drugs, "drugs"),
        io.read_anndata(given.expression, "line_expression"),
        io.read_table(given.parts, "drug_split"),
        snakemake.wildcards.split,
        Grids(**settings | {"trees": TreeSettings(**settings["trees"])}),
        source=io.read_table(given.source, "drug_responses") if given.source else None,
    )
    io.write_table(predictions, snakemake.output[0], "drug_predictions")
