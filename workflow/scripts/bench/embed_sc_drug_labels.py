"""Embed single cells without their labels by one model, and the lines of the screen that are trained on."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.bench.drug_response.lines import read_expression
    from grnformer.bench.drug_response.screen import COLUMNS
    from grnformer.bench.sc_drug.labelled import (
        as_models_read,
        screen_matrix,
        training_of,
    )
    from grnformer.core import io
    from grnformer.infer.embed import embed
    from grnformer.infer.reference import embedding_table

    torch.set_num_threads(snakemake.threads)
    given, out, params = snakemake.input, snakemake.output, snakemake.params
    matrix, expression = screen_matrix(
        io.read_delimited(given.screen, ",", COLUMNS[:2]),
        read_expression(given.expression, given.genes),
    )
    trained, _ = training_of(matrix, params.entry)
    cells = io.read_anndata(given.cells, "unlabelled_cells")
    both = as_models_read(cells, expression[trained], params.entry)
    settings = {**params.settings, "mapping": params.mapping}
    folder = Path(given.weights).parent
    for data, path, of in zip(
        both, (out.lines, out.cells), ("line", "cell"), strict=True
    ):
        found = embed(data, folder, given.bundle, settings=settings, scale="any")
        table = embedding_table(found.embedding, data.obs_names).rename_axis(of)
        io.write_table(table.reset_index(), path, f"{of}_embedding")
