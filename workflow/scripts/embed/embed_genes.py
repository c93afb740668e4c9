"""Embed the genes of a pretrained model: the mean of their vectors over the cells that it was trained on."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.core import io
    from grnformer.infer.genes import embed_genes

    torch.set_num_threads(snakemake.threads)
    given, params = snakemake.input, snakemake.params
    members = [*params.members, *params.files]  # of a corpus
    cells = [*given.multiomes, *given.files]
    found = embed_genes(
        Path(given.weights).parent,
        given.bundle,
        dict(zip(members, cells, strict=True)) if members else cells[0],
        io.read_table(given.split, "split"),
        params.settings,
    )
    io.write_table(found, snakemake.output[0], "gene_embedding")
