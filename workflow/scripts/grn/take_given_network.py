"""A network that the user gave, as eRegulons and cell-type GRNs, without inference."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import atomic, read_modality, write_json, write_table
    from grnformer.grn.given.take import read_given, take_network

    given, made = snakemake.input, snakemake.output
    rna = read_modality(given.multiome, "rna", "multiome")
    types = rna.obs["cell_type"].astype(str)
    # a file, or those of a folder
    files = [path for path in given if path != given.multiome]
    network = read_given(files, sorted(set(types)))
    taken = take_network(
        network, list(rna.var_names), types, files=files, **snakemake.params.min_targets
    )
    with atomic(made.grns) as folder:
        for name, file in taken.summary.set_index("cell_type")["file"].items():
            write_table(taken.networks[name], folder / file, "cell_type_grn")
    write_table(taken.eregulons, made.eregulons, "eregulons")
    write_table(taken.funnel, made.funnel, "funnel")
    write_table(taken.summary, made.summary, "cell_type_summary")
    write_json(taken.about, made.about, "given_network")
