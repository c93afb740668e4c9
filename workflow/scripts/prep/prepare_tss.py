"""Bring a genome's transcription start sites into one form: 0-based positions, UCSC chromosomes."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import write_table
    from grnformer.genome.tss import read_tss

    write_table(read_tss(snakemake.input.tss), snakemake.output.tss, "tss")
