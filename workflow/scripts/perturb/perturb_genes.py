"""Set genes in the networks of cell types; one table with what was found through the models, beside controls."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core import io
    from grnformer.infer.perturb.edit import edits_of
    from grnformer.infer.perturb.join import join_cells, join_shifts, read_seeds
    from grnformer.infer.perturb.network import perturb_networks

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    settings, dataset = params.settings, snakemake.wildcards.dataset
    network = perturb_networks(
        given.networks,
        given.multiome,
        params.genes,
        edits_of(settings),
        settings,
        settings["cell_types"],
    )
    genes = read_seeds(given.genes, "set_genes")
    cells = read_seeds(given.cells, "set_cells")
    joined = join_shifts(network, genes, params.arms, dataset)
    io.write_table(joined, out.genes, "perturbed_genes")
    io.write_table(
        join_cells(cells, params.arms, dataset), out.cells, "perturbed_cells"
    )
