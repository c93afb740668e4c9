"""Name the pseudobulk of each cell: its type, or its cluster by RNA."""

from grnformer.core.job import job

with job(snakemake):
    import pandas as pd

    from grnformer.core.io import read_table, write_table
    from grnformer.prep.fragments.groups import group_cells

    tss = read_table(snakemake.input.tss, "tss")
    barcodes = pd.concat(
        [read_table(path, "fragment_qc") for path in snakemake.input.barcodes],
        ignore_index=True,
    )
    settings = snakemake.params.fragments | snakemake.params.settings
    groups = group_cells(
        list(snakemake.params.rows.values()), barcodes, tss, **settings
    )
    write_table(groups, snakemake.output.pseudobulks, "pseudobulks")
