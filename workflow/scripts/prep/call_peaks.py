"""Call peaks on each pseudobulk and make one set of regions of equal width of them."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_table
    from grnformer.prep.fragments.barcodes import chromosome_lengths, read_sizes
    from grnformer.prep.fragments.consensus import merge_peaks, read_blacklist
    from grnformer.prep.fragments.snapatac import call_peaks

    settings = dict(snakemake.params.settings)
    half_width = settings.pop("half_width")
    sizes = read_sizes(snakemake.input.sizes) if snakemake.input.sizes else None
    chromosomes = [
        read_table(path, "fragment_chromosomes") for path in snakemake.input.chromosomes
    ]
    lengths = chromosome_lengths(
        chromosomes, read_table(snakemake.input.tss, "tss"), sizes
    )
    barred = (
        read_blacklist(snakemake.input.blacklist, lengths)
        if snakemake.input.blacklist
        else None
    )
    groups = read_table(snakemake.input.pseudobulks, "pseudobulks")
    files = dict(zip(snakemake.params.samples, snakemake.input.fragments, strict=True))
    found = call_peaks(files, groups, **settings)
    write_table(
        merge_peaks(found, lengths, barred, half_width=half_width),
        snakemake.output.peaks,
        "consensus_peaks",
    )
