"""Regions bound by each TF, by the chosen method."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_table
    from grnformer.grn.cistromes import ENRICHMENTS
    from grnformer.grn.cistromes.build import build_cistromes, method_settings
    from grnformer.grn.tfs import read_tf_list

    settings, motifs = snakemake.params.settings, snakemake.input.motifs
    cistromes = build_cistromes(
        read_table(snakemake.input.region_gene, "region_gene"),
        read_tf_list(snakemake.input.tfs),
        read_table(snakemake.input.prior, "prior"),
        read_table(snakemake.input.region_sets, "region_sets"),
        read_table(motifs, ENRICHMENTS[settings["method"]].contract) if motifs else None,
        method=settings["method"],
        min_abs_rho=settings["min_abs_rho"],
        region_set_kinds=settings["region_set_kinds"],
        settings=method_settings(settings),
    )
    write_table(cistromes, snakemake.output[0], "cistromes")
