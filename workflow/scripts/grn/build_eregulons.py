"""eRegulons, and the funnel of what each step towards them left."""

from grnformer.job import job

with job(snakemake) as logger:
    from grnformer.grn.eregulons.build import build_eregulons
    from grnformer.grn.eregulons.funnel import check_not_empty
    from grnformer.grn.tfs import read_tf_list
    from grnformer.io import read_table, write_table

    eregulons, funnel = build_eregulons(
        read_table(snakemake.input.tf_gene, "tf_gene"),
        read_table(snakemake.input.region_gene, "region_gene"),
        read_table(snakemake.input.cistromes, "cistromes"),
        read_tf_list(snakemake.input.tfs),
        **snakemake.params.settings,
    )
    logger.info("funnel:\n%s", funnel.to_string(index=False))
    check_not_empty(funnel)
    write_table(eregulons, snakemake.output.eregulons, "eregulons")
    write_table(funnel, snakemake.output.funnel, "funnel")
