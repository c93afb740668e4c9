"""Write a model with its graph, vocabulary, reference cells, card and licence as one folder to give away."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    from grnformer.infer.model_bundle import write_model_bundle

    inputs = snakemake.input
    write_model_bundle(
        Path(inputs.weights).parent,
        snakemake.output[0],
        graph=inputs.graph,
        vocabulary=inputs.vocabulary,
        aliases=inputs.aliases or None,
        licence=inputs.licence or None,
        use=snakemake.params.use,
        licences=snakemake.params.licences,
    )
