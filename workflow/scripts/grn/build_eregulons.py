"""eRegulons, and the funnel of what each step towards them left."""

from grnformer.core.job import job

with job(snakemake) as logger:
    from grnformer.core.io import read_table, write_table
    from grnformer.genome.rankings import open_rankings
    from grnformer.grn.cistromes import describe_method
    from grnformer.grn.eregulons.build import build_eregulons
    from grnformer.grn.eregulons.funnel import check_not_empty
    from grnformer.grn.eregulons.triplets import score_sites
    from grnformer.grn.tfs import read_tf_list

    given = snakemake.input
    cistromes = read_table(given.cistromes, "cistromes")
    sites = None
    if given.rankings:
        sites = score_sites(
            cistromes,
            read_table(given.motifs, "motif_enrichment"),
            open_rankings(given.rankings),
        )
    links = (
        read_table(given.tf_gene, "tf_gene"),
        read_table(given.region_gene, "region_gene") if given.region_gene else None,
    )
    pruned = describe_method(snakemake.params.method).names_genes
    settings = {"tf_region": sites, "pruned": pruned, **snakemake.params.settings}
    eregulons, funnel = build_eregulons(
        *links, cistromes, read_tf_list(given.tfs), **settings
    )
    logger.info("funnel:\n%s", funnel.to_string(index=False))
    check_not_empty(funnel)
    write_table(eregulons, snakemake.output.eregulons, "eregulons")
    write_table(funnel, snakemake.output.funnel, "funnel")
