"""Normalise and embed the cells, join both modalities, name the cell types and find their markers."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import (
        read_mudata,
        read_table,
        write_json,
        write_mudata,
        write_table,
    )
    from grnformer.prep.annotate import annotate_multiome, rank_markers
    from grnformer.prep.summary import summarise

    counts = read_mudata(snakemake.input.counts, "paired_counts")
    data = annotate_multiome(
        counts, seed=snakemake.params.seed, settings=snakemake.params.settings
    )
    markers = rank_markers(data, n_per_type=snakemake.params.n_per_type)
    dropped = read_table(snakemake.input.dropped, "dropped")
    qc = read_table(snakemake.input.qc, "cell_qc")
    write_table(markers, snakemake.output.markers, "markers")
    write_json(summarise(data, dropped, qc), snakemake.output.summary, "prep_summary")
    write_mudata(data, snakemake.output.multiome, "multiome")
