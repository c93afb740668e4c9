"""How much the networks of two seeds have in common."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    from grnformer.core.io import read_table, write_table
    from grnformer.grn.stability import PAIR, TRIPLET, collect_keys, compare_runs

    given, settings = snakemake.input, snakemake.params.settings
    # none of RNA alone
    region_genes = list(given.region_gene) or [None] * len(given.tf_gene)
    files = zip(
        given.tf_gene, region_genes, given.eregulons, given.cell_types, strict=True
    )
    runs = {}
    for seed, (tf_gene, region_gene, eregulons, folder) in zip(
        snakemake.params.runs.values(), files, strict=True
    ):
        runs[seed] = collect_keys(
            read_table(tf_gene, "tf_gene", [*PAIR, "importance"]),
            read_table(region_gene, "region_gene", ["region", "gene", "importance"])
            if region_gene
            else None,
            read_table(eregulons, "eregulons", [*TRIPLET, "tf"]),
            {
                path.stem: read_table(path, "cell_type_grn", PAIR)
                for path in sorted(Path(folder).glob("*.parquet"))
            },
            top_fraction=settings["top_fraction"],
        )
    write_table(compare_runs(runs), snakemake.output[0], "stability")
