"""Embed cell lines by the models of an arm, one a seed; their graphs come from the nearest pretraining cells."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.bench.drug_response.lines import lift_to_zero
    from grnformer.core import io
    from grnformer.infer.embed import embed
    from grnformer.infer.reference import embedding_table

    torch.set_num_threads(snakemake.threads)
    expression = lift_to_zero(
        io.read_anndata(snakemake.input.expression, "line_expression")
    )
    settings = {**snakemake.params.settings, "mapping": snakemake.params.mapping}
    for weights, output in zip(snakemake.input.weights, snakemake.output, strict=True):
        found = embed(
            expression,
            Path(weights).parent,
            snakemake.input.bundle,
            settings=settings,
            scale="any",
        )
        table = embedding_table(found.embedding, expression.obs_names)
        io.write_table(
            table.rename_axis("line").reset_index(), output, "line_embedding"
        )
