"""Align the networks and cell activities to the backbone's vocabulary; write the bundle of one graph mode."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.genome.orthologs import read_orthologs
    from grnformer.graph.build import build_bundle
    from grnformer.graph.bundle import write_bundle
    from grnformer.graph.knowledge import with_files
    from grnformer.graph.vocabulary import read_aliases, read_vocabulary

    orthologs = snakemake.input.orthologs
    bundle = build_bundle(
        snakemake.input.multiome,
        snakemake.input.cell_type,
        snakemake.input.eregulons,
        snakemake.input.activity,
        read_vocabulary(snakemake.input.vocabulary),
        read_aliases(snakemake.input.aliases),
        mode=snakemake.wildcards.graph,
        prior=snakemake.input.get("prior") or None,
        orthologs=read_orthologs(orthologs, "fuse.orthologs") if orthologs else None,
        knowledge=with_files(snakemake.params.knowledge, snakemake.input.knowledge),
        **snakemake.params.settings,
    )
    write_bundle(bundle, snakemake.output[0])
