"""Embed the cells of an .h5ad by a pretrained model; their graphs come from the nearest pretraining cells."""

from grnformer.job import job

with job(snakemake):
    from pathlib import Path

    import anndata
    import torch

    from grnformer import io
    from grnformer.train.embed import embed_rows

    torch.set_num_threads(snakemake.threads)
    inputs = snakemake.input
    obs, embedding, made_by = embed_rows(
        anndata.read_h5ad(inputs.cells, backed="r"),
        Path(inputs.weights).parent,
        graph=inputs.bundle,
        vocabulary=inputs.vocabulary,
        aliases=inputs.aliases or None,
        settings=snakemake.params.settings,
    )
    added = {"obs": obs, "obsm": {"X_grnformer": embedding}, "uns": {"grnformer": made_by}}
    io.annotate_anndata(inputs.cells, snakemake.output[0], "embedded_cells", **added)
