"""Read one sample's RNA and ATAC counts, check them and pair their cells."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_mudata, write_table
    from grnformer.prep.sample import load_sample
    from grnformer.workflow.config import other_builds

    tss = read_table(snakemake.input.tss, "tss")
    row, barcodes = snakemake.params.row, None
    # of a sample given as fragments, which have been counted
    if snakemake.input.barcodes:
        row = row | {"atac": snakemake.input.atac}
        barcodes = read_table(snakemake.input.barcodes, "fragment_qc")
    # Not among the params: a genome more in the config makes no sample anew.
    builds = other_builds(snakemake.config["genomes"], row["genome"])
    data, dropped = load_sample(
        row,
        tss,
        barcodes=barcodes,
        builds=builds,
        two_barcodes=snakemake.input.barcode_table or None,
        unpaired=snakemake.params.unpaired,
        **snakemake.params.settings,
    )
    write_table(dropped, snakemake.output.dropped, "dropped")
    write_mudata(data, snakemake.output.counts, "paired_counts")
