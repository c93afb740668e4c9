"""Join the splits of a corpus' datasets, and split the cells of its further files."""

from grnformer.job import job

with job(snakemake):
    from grnformer import io
    from grnformer.stored import read_typed_cells
    from grnformer.train.split import join_splits, split_cells

    inputs, params = snakemake.input, snakemake.params
    settings = {"heldout_share": params.heldout_share, "seed": params.seed}
    splits = {name: io.read_table(path, "split") for name, path in zip(params.datasets, inputs.splits, strict=True)}
    for name, path in zip(params.files, inputs.files, strict=True):
        splits[name] = split_cells(read_typed_cells(path), **settings)
    io.write_table(join_splits(splits), snakemake.output.split, "split")
