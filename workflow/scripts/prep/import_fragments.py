"""Judge a sample's barcodes by their fragments and their RNA; store the fragments of those left, by cell."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import atomic, read_table, write_table
    from grnformer.prep.fragments.barcodes import read_sizes
    from grnformer.prep.fragments.cells import import_cells

    tss = read_table(snakemake.input.tss, "tss")
    sizes = read_sizes(snakemake.input.sizes) if snakemake.input.sizes else None
    barcodes = read_table(snakemake.input.barcodes, "fragment_barcodes")
    chromosomes = [
        read_table(path, "fragment_chromosomes") for path in snakemake.input.chromosomes
    ]
    with atomic(snakemake.output.fragments) as target:
        row, settings = snakemake.params.row, snakemake.params.settings
        judged = import_cells(
            row,
            barcodes,
            chromosomes,
            tss,
            sizes,
            target,
            settings=settings,
            two_barcodes=snakemake.input.barcode_table or None,
        )
    write_table(judged, snakemake.output.barcodes, "fragment_qc")
