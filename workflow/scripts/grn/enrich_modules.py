"""Motifs enriched near the genes of each TF's co-expression modules, and the genes that carry the enrichment."""

from grnformer.job import job

with job(snakemake):
    from grnformer.grn.motifs.annotations import read_annotations
    from grnformer.grn.motifs.enrich_modules import enrich_modules, split_settings
    from grnformer.grn.motifs.modules import make_modules
    from grnformer.grn.motifs.rankings import open_rankings
    from grnformer.io import read_table, write_table

    cuts, thresholds = split_settings(snakemake.params.settings)
    enriched = enrich_modules(
        [open_rankings(path) for path in snakemake.input.rankings],
        make_modules(read_table(snakemake.input.tf_gene, "tf_gene"), **cuts),
        read_annotations(snakemake.input.motifs_to_tfs, **snakemake.params.grounds),
        **thresholds,
    )
    write_table(enriched, snakemake.output[0], "module_enrichment")
