"""Join the splits of a corpus' datasets, and split the cells of its further files."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core import io
    from grnformer.core.stored import read_typed_cells
    from grnformer.data.split import join_splits, split_cells

    inputs, params = snakemake.input, snakemake.params
    settings = {"heldout_fraction": params.heldout_fraction, "seed": params.seed}
    splits = {
        name: io.read_table(path, "split")
        for name, path in zip(params.datasets, inputs.splits, strict=True)
    }
    for name, path in zip(params.files, inputs.files, strict=True):
        splits[name] = split_cells(read_typed_cells(path), **settings)
    io.write_table(join_splits(splits), snakemake.output.split, "split")
