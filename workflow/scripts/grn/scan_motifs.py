"""Ranking database of the dataset's own regions: motif sites in their sequence."""

from grnformer.job import job

with job(snakemake):
    from grnformer.grn.motifs.motifs import read_motifs
    from grnformer.grn.motifs.rankings import write_rankings
    from grnformer.grn.motifs.scan import rank_regions
    from grnformer.grn.motifs.sequence import read_sequences
    from grnformer.io import read_modality

    settings = snakemake.params.settings
    regions = read_modality(snakemake.input.multiome, "atac", "multiome").var
    motifs = read_motifs(snakemake.input.motifs, background_share=settings["background_share"])
    sequences = read_sequences(snakemake.input.fasta, regions)
    ranks = rank_regions(motifs, sequences, max_p=settings["max_p"], seed=snakemake.params.seed)
    write_rankings(snakemake.output[0], ranks, list(motifs), list(regions.index))
