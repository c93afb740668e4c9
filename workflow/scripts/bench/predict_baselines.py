"""Predict the tested pairs of a split by every naive baseline."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.drug_response.baselines import Grids
    from grnformer.bench.drug_response.predict import crossvalidate_baselines
    from grnformer.core import io

    given = snakemake.input
    predictions = crossvalidate_baselines(
        io.read_table(given.responses, "drug_responses"),
        io.read_table(given.drugs, "drugs"),
        io.read_anndata(given.expression, "line_expression"),
        io.read_table(given.parts, "drug_split"),
        snakemake.wildcards.split,
        Grids(**snakemake.params.settings),
    )
    io.write_table(predictions, snakemake.output[0], "drug_predictions")
