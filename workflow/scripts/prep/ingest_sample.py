"""Read one sample's RNA and ATAC counts, check them and pair their cells."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_mudata, write_table
    from grnformer.prep.sample import load_sample

    tss = read_table(snakemake.input.tss, "tss")
    row = snakemake.params.row
    barcodes = read_table(row["barcodes"], "fragment_qc") if "barcodes" in row else None
    data, dropped = load_sample(row, tss, barcodes=barcodes, **snakemake.params.settings)
    write_table(dropped, snakemake.output.dropped, "dropped")
    write_mudata(data, snakemake.output.counts, "paired_counts")
