"""Read a sample's fragments once: check them, and count what each barcode and each chromosome has."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_table
    from grnformer.prep.fragments.barcodes import (
        check_chromosomes_of_fragments,
        read_sizes,
    )
    from grnformer.prep.fragments.scan import scan_fragments
    from grnformer.prep.fragments.snapatac import require_snapatac

    require_snapatac()
    tss = read_table(snakemake.input.tss, "tss")
    sizes = read_sizes(snakemake.input.sizes) if snakemake.input.sizes else None
    barcodes, chromosomes = scan_fragments(snakemake.input.fragments, set(tss["chrom"]))
    check_chromosomes_of_fragments(
        chromosomes, tss, sizes, f"sample {snakemake.wildcards.sample}, fragments"
    )
    write_table(chromosomes, snakemake.output.chromosomes, "fragment_chromosomes")
    write_table(barcodes, snakemake.output.barcodes, "fragment_barcodes")
