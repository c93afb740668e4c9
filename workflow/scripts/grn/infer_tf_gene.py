"""Infer the importance of each TF for each gene from expression, with Spearman's rho as its sign."""

from grnformer.job import job

with job(snakemake):
    from pathlib import Path

    from grnformer.grn.tf_gene.network import infer_network
    from grnformer.io import read_modality, read_table, write_table

    settings, original = snakemake.params.settings, snakemake.input.original
    found = {"adjacencies": read_table(original, "adjacencies")} if original else settings[settings["method"]]
    network = infer_network(
        read_modality(snakemake.input.multiome, "rna", "multiome"),
        Path(snakemake.input.tfs).read_text(encoding="utf-8").split(),
        method=settings["method"],
        min_cells=settings["min_cells"],
        options=found,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
    )
    write_table(network, snakemake.output[0], "tf_gene")
