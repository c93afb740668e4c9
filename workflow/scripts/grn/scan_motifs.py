"""Ranking and score databases of the dataset's own regions: motif sites in their sequence."""

from grnformer.job import job

with job(snakemake):
    from grnformer.grn.motifs.motifs import read_motifs
    from grnformer.grn.motifs.rankings import write_rankings, write_scores
    from grnformer.grn.motifs.scan import scan_regions
    from grnformer.grn.motifs.sequence import read_sequences
    from grnformer.io import read_modality

    settings = snakemake.params.settings
    regions = read_modality(snakemake.input.multiome, "atac", "multiome").var
    motifs = read_motifs(snakemake.input.motifs, background_share=settings["background_share"])
    sequences = read_sequences(snakemake.input.fasta, regions)
    ranks, scores = scan_regions(motifs, sequences, max_p=settings["max_p"], seed=snakemake.params.seed)
    write_rankings(snakemake.output.rankings, ranks, list(motifs), list(regions.index))
    write_scores(snakemake.output.scores, scores, list(motifs), list(regions.index))
