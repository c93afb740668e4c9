"""Embed single cells of lines by the models of an arm, one a seed, in the form in which lines are embedded."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.bench.sc_drug.samples import as_lines
    from grnformer.core import io
    from grnformer.infer.embed import embed
    from grnformer.infer.reference import embedding_table
    from grnformer.model.alike import check_trained_alike

    given = snakemake.input
    torch.set_num_threads(snakemake.threads)
    check_trained_alike(given.card)
    cells = as_lines(
        io.read_anndata(given.cells, "line_cells"),
        io.read_anndata(given.expression, "line_expression"),
    )
    settings = {**snakemake.params.settings, "mapping": snakemake.params.mapping}
    for weights, output in zip(given.weights, snakemake.output, strict=True):
        folder = Path(weights).parent
        found = embed(cells, folder, given.bundle, settings=settings, scale="any")
        table = embedding_table(found.embedding, cells.obs_names).rename_axis("cell")
        io.write_table(table.reset_index(), output, "cell_embedding")
