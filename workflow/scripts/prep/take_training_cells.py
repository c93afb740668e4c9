"""Take the training cells by themselves, for networks that know nothing of held-out ones."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_mudata, read_table, write_mudata
    from grnformer.prep.annotate import restore_counts
    from grnformer.prep.training import take_training_cells

    inputs, params = snakemake.input, snakemake.params
    data = take_training_cells(
        restore_counts(read_mudata(inputs.cells, "filtered_cells")),
        read_table(inputs.split, "split"),
        min_cells={
            "genes": params.genes["min_cells"],
            "regions": params.regions["min_cells"],
        },
        embedding=params.embedding,
        seed=params.seed,
    )
    write_mudata(data, snakemake.output[0], "multiome")
