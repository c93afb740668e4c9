"""Predict responses to perturbations by signed propagation on a dataset's network and on its rewired form."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.perturbation.labels import read_labels
    from grnformer.bench.perturbation.score import predict_by_network
    from grnformer.core import io

    predictions = predict_by_network(
        read_labels(snakemake.input.labels),
        snakemake.wildcards.label,
        io.read_table(snakemake.input.tf_gene, "tf_gene"),
        snakemake.wildcards.dataset,
        snakemake.params.seed,
    )
    io.write_table(predictions, snakemake.output[0], "perturbation_predictions")
