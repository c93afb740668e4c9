"""Infer the importance of each TF for each gene from expression, with Spearman's rho as its sign."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    from grnformer.core.io import read_modality, read_table, write_table
    from grnformer.grn.tf_gene.network import gather_parts, infer_network

    given, settings, options = (
        snakemake.input,
        snakemake.params.settings,
        snakemake.params,
    )
    if given.parts:
        network = gather_parts(read_table(part, "tf_gene") for part in given.parts)
    else:
        # of an original tool, or none
        tables = [read_table(path, "adjacencies") for path in given.original]
        network = infer_network(
            read_modality(given.multiome, "rna", "filtered_cells"),
            Path(given.tfs).read_text(encoding="utf-8").splitlines(),
            method=settings["method"],
            min_cells=settings["min_cells"],
            options={"adjacencies": tables[0]}
            if tables
            else settings.get(settings["method"], {}),
            part=options.part,
            seed=options.seed,
            threads=snakemake.threads,
        )
    write_table(network, snakemake.output[0], "tf_gene")
