"""Train the same network on the lines' plain expression: what an embedding has to add to."""

from grnformer.core.job import job

with job(snakemake):
    import torch

    from grnformer.bench.drug_response.predict import crossvalidate_network
    from grnformer.core import io

    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    given = snakemake.input
    expression = (
        io.read_anndata(given.expression, "line_expression")
        .to_df()
        .rename_axis("line")
        .reset_index()
    )
    predictions = crossvalidate_network(
        io.read_table(given.responses, "drug_responses"),
        io.read_table(given.drugs, "drugs"),
        [expression],
        io.read_table(given.parts, "drug_split"),
        snakemake.wildcards.split,
        arm="expression",
        network=snakemake.params.network,
        seed=snakemake.params.seed,
        source=io.read_table(given.source, "drug_responses") if given.source else None,
    )
    io.write_table(predictions, snakemake.output[0], "drug_predictions")
