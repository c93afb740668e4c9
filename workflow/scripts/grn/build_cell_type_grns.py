"""One GRN per cell type, as a folder of tables, and a summary of their sizes."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.file_names import file_names
    from grnformer.core.io import atomic, read_modality, read_table, write_table
    from grnformer.grn.cell_type.build import build_cell_type_grns
    from grnformer.grn.inputs import read_regions
    from grnformer.grn.stability import PAIR, add_frequency

    given = snakemake.input
    rna = read_modality(given.multiome, "rna", "multiome", "X")
    atac, *topics = read_regions(given.multiome, given.topics, rna.obs_names, "X")
    names = file_names(sorted(set(rna.obs["cell_type"])))
    networks, summary = build_cell_type_grns(
        read_table(given.eregulons, "eregulons"), read_table(given.specificity, "specificity"), list(rna.var_names),
        list(atac.var_names), rna.X.tocsr(), atac.X.tocsr(), rna.obs["cell_type"].to_numpy(str),
        *topics, **snakemake.params.settings,
    )  # fmt: skip
    with atomic(snakemake.output.grns) as folder:
        for cell_type, network in networks.items():
            name = f"{names[cell_type]}.parquet"
            reruns = [
                read_table(f"{rerun}/{name}", "cell_type_grn", PAIR)
                for rerun in given.reruns
            ]
            write_table(
                add_frequency(network, reruns, PAIR), folder / name, "cell_type_grn"
            )
    summary.insert(1, "file", summary["cell_type"].map(names) + ".parquet")
    write_table(summary, snakemake.output.summary, "cell_type_summary")
