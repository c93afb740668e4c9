"""Motifs enriched near the genes of each TF's co-expression modules, and the genes that carry the enrichment."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_table
    from grnformer.genome.motif_tfs import read_annotations
    from grnformer.genome.rankings import open_rankings
    from grnformer.grn.enrichment.enrich_modules import enrich_modules, split_settings
    from grnformer.grn.enrichment.modules import make_modules

    cuts, thresholds = split_settings(snakemake.params.settings)
    enriched = enrich_modules(
        [open_rankings(path) for path in snakemake.input.rankings],
        make_modules(read_table(snakemake.input.tf_gene, "tf_gene"), **cuts),
        read_annotations(snakemake.input.motifs_to_tfs, **snakemake.params.evidence),
        **thresholds,
    )
    write_table(enriched, snakemake.output[0], "module_enrichment")
