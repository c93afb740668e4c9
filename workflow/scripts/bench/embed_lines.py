"""Embed cell lines by the models of an arm, one a seed; their graphs come from the nearest pretraining cells."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.bench.drug_response.lines import compare_with_lines
    from grnformer.core import io
    from grnformer.infer.embed import embed
    from grnformer.infer.reference import embedding_table
    from grnformer.model.alike import check_trained_alike

    torch.set_num_threads(snakemake.threads)
    check_trained_alike(snakemake.input.card)
    lines = io.read_anndata(snakemake.input.expression, "line_expression")
    # Bulk profiles; the lines of the whole screen are the reference, whichever fold they are tested in.
    expression = compare_with_lines(lines, reference=lines)
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
