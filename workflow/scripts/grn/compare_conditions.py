"""Which eRegulons and edges differ between conditions within each cell type, with donors as replicates."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_anndata, read_modality, write_table
    from grnformer.graph.build import read_networks
    from grnformer.grn.conditions.compare import compare_conditions

    given, made = snakemake.input, snakemake.output
    rna = read_modality(given.multiome, "rna", "multiome")
    compared = compare_conditions(
        read_anndata(given.activity, "cell_activity"),
        rna,
        read_networks(given.cell_type, rna.obs["cell_type"].astype(str)),
        snakemake.params.conditions,
        **snakemake.params.settings,
        seed=snakemake.params.seed,
    )
    write_table(compared.eregulons, made.eregulons, "condition_eregulons")
    write_table(compared.edges, made.edges, "condition_edges")
    write_table(compared.summary, made.summary, "condition_summary")
