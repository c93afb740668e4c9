"""Embed the cells of each modality, join them and find clusters."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_without_matrices, write_anndata
    from grnformer.prep.annotate import embed_multiome

    # X of both, without the counts
    data = read_without_matrices(
        snakemake.input.cells, "filtered_cells", but_for=["rna", "atac"]
    )
    embedding = embed_multiome(
        data, seed=snakemake.params.seed, settings=snakemake.params.settings
    )
    write_anndata(embedding, snakemake.output[0], "joint_embedding")
