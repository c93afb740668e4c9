"""Motifs that score higher in a region set than in its background, and the regions that have them."""

from grnformer.job import job

with job(snakemake):
    from grnformer.grn.motifs.annotations import read_annotations
    from grnformer.grn.motifs.contrast import contrast_regions
    from grnformer.grn.motifs.rankings import open_scores
    from grnformer.io import read_table, write_table

    settings = {key: value for key, value in snakemake.params.settings.items() if key != "scores"}
    contrasted = contrast_regions(
        open_scores(snakemake.input.scores),
        read_table(snakemake.input.region_sets, "region_sets"),
        read_annotations(snakemake.input.motifs_to_tfs, **snakemake.params.grounds),
        read_table(snakemake.input.tss, "tss"),
        kinds=snakemake.params.kinds,
        seed=snakemake.params.seed,
        **settings,
        **snakemake.params.mapping,
    )
    write_table(contrasted, snakemake.output[0], "motif_enrichment")
