"""Split the cells into training and held-out ones."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core import io
    from grnformer.data.split import split_cells

    obs = io.read_modality(snakemake.input.multiome, "rna", "multiome", "names").obs
    split = split_cells(
        obs,
        heldout_fraction=snakemake.params.heldout_fraction,
        donors=snakemake.params.donors,
        seed=snakemake.params.seed,
    )
    io.write_table(split, snakemake.output.split, "split")
