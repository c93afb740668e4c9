"""Count a sample's fragments in the consensus peaks, and drop barcodes with few of them there."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_anndata, write_table
    from grnformer.prep.fragments.cells import count_cells

    judged = read_table(snakemake.input.barcodes, "fragment_qc")
    peaks = read_table(snakemake.input.peaks, "consensus_peaks")
    counts, qc = count_cells(
        snakemake.input.fragments, judged, peaks, **snakemake.params.settings
    )
    write_table(qc, snakemake.output.barcodes, "fragment_qc")
    write_anndata(counts, snakemake.output.counts, "fragment_counts")
