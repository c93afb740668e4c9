"""Ranking and score databases of the dataset's own regions: motif sites in their sequence."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_modality
    from grnformer.genome.motifs import read_motifs
    from grnformer.genome.rankings import write_rankings, write_scores
    from grnformer.genome.scan import scan_regions
    from grnformer.genome.sequence import read_sequences

    given, settings = snakemake.input, snakemake.params.settings
    # one file, or those of a folder
    files = [given.motifs] if isinstance(given.motifs, str) else given.motifs
    regions = read_modality(given.multiome, "atac", "filtered_cells", "names").var
    motifs = read_motifs(files, background_fraction=settings["background_fraction"])
    sequences = read_sequences(given.fasta, regions)
    ranks, scores = scan_regions(
        motifs, sequences, max_p=settings["max_p"], seed=snakemake.params.seed
    )
    write_rankings(snakemake.output.rankings, ranks, list(motifs), list(regions.index))
    write_scores(snakemake.output.scores, scores, list(motifs), list(regions.index))
