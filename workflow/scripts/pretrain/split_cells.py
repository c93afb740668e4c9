"""Split the cells into training and held-out ones."""

from grnformer.job import job

with job(snakemake):
    from grnformer import io
    from grnformer.train.split import split_cells

    obs = io.read_modality(snakemake.input.multiome, "rna", "multiome").obs
    split = split_cells(obs, heldout_share=snakemake.params.heldout_share, seed=snakemake.params.seed)
    io.write_table(split, snakemake.output.split, "split")
