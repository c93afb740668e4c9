"""Join the bundles of a corpus' datasets, and place the genes and cell types of its further files."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.genome.orthologs import read_orthologs
    from grnformer.graph.bundle import read_bundle, write_bundle
    from grnformer.graph.join import join_bundles
    from grnformer.graph.knowledge import with_files
    from grnformer.graph.measured import read_measured
    from grnformer.graph.vocabulary import read_aliases, read_vocabulary

    inputs, params = snakemake.input, snakemake.params
    cells = dict(
        zip(
            [*params.datasets, *params.files],
            [*inputs.multiomes, *inputs.files],
            strict=True,
        )
    )
    bundle = join_bundles(
        {
            name: read_bundle(path)
            for name, path in zip(params.datasets, inputs.bundles, strict=True)
        },
        {name: read_measured(path) for name, path in cells.items()},
        read_vocabulary(inputs.vocabulary),
        read_aliases(inputs.aliases),
        knowledge=with_files(params.knowledge, inputs.knowledge),
        orthologs=read_orthologs(inputs.orthologs, "fuse.orthologs")
        if inputs.orthologs
        else None,
    )
    write_bundle(bundle, snakemake.output[0])
