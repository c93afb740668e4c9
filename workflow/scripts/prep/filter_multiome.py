"""Put the samples together and drop poor cells, and genes and regions seen in too few cells."""

from grnformer.core.job import job

with job(snakemake):
    import pandas as pd

    from grnformer.core.io import read_mudata, read_table, write_mudata, write_table
    from grnformer.prep.annotate import normalise
    from grnformer.prep.filters import filter_multiome
    from grnformer.prep.merge import merge_samples

    samples = [read_mudata(path, "paired_counts") for path in snakemake.input.counts]
    merged, unshared = merge_samples(
        samples, min_shared_features=snakemake.params.min_shared_features
    )
    data, dropped, qc = filter_multiome(
        merged,
        read_table(snakemake.input.tss, "tss"),
        seed=snakemake.params.seed,
        settings=snakemake.params.settings,
    )
    # of many cells gigabytes, which the next copies need
    del samples, merged
    unpaired = [read_table(path, "dropped") for path in snakemake.input.dropped]
    everything = pd.concat([*unpaired, unshared, dropped], ignore_index=True)
    write_table(everything, snakemake.output.dropped, "dropped")
    write_table(qc, snakemake.output.qc, "cell_qc")
    normalise(data)
    write_mudata(data, snakemake.output.cells, "filtered_cells")
