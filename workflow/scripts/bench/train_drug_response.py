"""Train the response network and ridge heads on frozen embeddings of one arm; predict what each fold tests."""

from grnformer.core.job import job

with job(snakemake):
    import torch

    from grnformer.bench.drug_response.predict import crossvalidate_network
    from grnformer.core import io

    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    given = snakemake.input
    predictions = crossvalidate_network(
        io.read_table(given.responses, "drug_responses"),
        io.read_table(given.drugs, "drugs"),
        [io.read_table(path, "line_embedding") for path in given.embeddings],
        io.read_table(given.parts, "drug_split"),
        snakemake.wildcards.split,
        arm=snakemake.wildcards.arm,
        network=snakemake.params.network,
        seed=snakemake.params.seed,
        beside=io.read_anndata(given.expression, "line_expression"),
        source=io.read_table(given.source, "drug_responses") if given.source else None,
    )
    io.write_table(predictions, snakemake.output[0], "drug_predictions")
