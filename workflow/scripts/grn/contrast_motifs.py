"""Motifs that score higher in a region set than in its background, and the regions that have them."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_table
    from grnformer.genome.motif_tfs import read_annotations
    from grnformer.genome.rankings import open_scores
    from grnformer.grn.enrichment.contrast import contrast_regions

    settings = {
        key: value
        for key, value in snakemake.params.settings.items()
        if key != "scores"
    }
    contrasted = contrast_regions(
        open_scores(snakemake.input.scores),
        read_table(snakemake.input.region_sets, "region_sets"),
        read_annotations(snakemake.input.motifs_to_tfs, **snakemake.params.evidence),
        read_table(snakemake.input.tss, "tss"),
        kinds=snakemake.params.kinds,
        seed=snakemake.params.seed,
        **settings,
        **snakemake.params.mapping,
    )
    write_table(contrasted, snakemake.output[0], "motif_enrichment")
