"""Motifs enriched in the region sets, the regions that carry the enrichment and the TFs the motifs stand for."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_table
    from grnformer.genome.motif_tfs import read_annotations
    from grnformer.genome.rankings import open_rankings
    from grnformer.grn.enrichment.enrich import enrich_regions

    settings = {
        key: value
        for key, value in snakemake.params.settings.items()
        if key != "rankings"
    }
    evidence = {
        key: settings.pop(key)
        for key in ("motif_similarity_fdr", "orthologous_identity")
    }
    enriched = enrich_regions(
        open_rankings(snakemake.input.rankings),
        read_table(snakemake.input.region_sets, "region_sets"),
        read_annotations(snakemake.input.motifs_to_tfs, **evidence),
        kinds=snakemake.params.kinds,
        **settings,
    )
    write_table(enriched, snakemake.output[0], "motif_enrichment")
