"""Regions bound by each TF, by the chosen method."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_modality, read_table, write_table
    from grnformer.grn.cistromes import describe_method
    from grnformer.grn.cistromes.build import build_cistromes
    from grnformer.grn.eregulons.gene_based import link_genes
    from grnformer.grn.tfs import read_tf_list

    given, settings = snakemake.input, snakemake.params.settings
    method = settings["method"]
    reads = describe_method(method).reads
    if given.region_gene:
        links = read_table(given.region_gene, "region_gene")
        region_sets = read_table(given.region_sets, "region_sets")
    else:
        rna = read_modality(given.rna, "rna", "filtered_cells", "names")
        links = link_genes(rna.var_names)
        region_sets = None
    cistromes = build_cistromes(
        links,
        read_tf_list(given.tfs),
        read_table(given.prior, "prior"),
        region_sets,
        read_table(given.table, reads.contract) if reads else None,
        method=method,
        min_abs_rho=settings["min_abs_rho"],
        region_set_kinds=settings["region_set_kinds"],
        settings=settings.get(method, {}),
    )
    write_table(cistromes, snakemake.output[0], "cistromes")
