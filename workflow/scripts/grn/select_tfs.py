"""TFs named by the lists or the prior that are measured in the RNA, one a line."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import atomic, read_modality, read_table
    from grnformer.grn.tfs import read_tf_list, select_tfs

    settings = snakemake.params.settings
    named = set().union(*map(read_tf_list, snakemake.input.lists))
    if settings["from_prior"]:
        named |= set(read_table(snakemake.input.prior, "prior")["tf"])
    rna = read_modality(snakemake.input.multiome, "rna", "filtered_cells", "names")
    tfs = select_tfs(
        named, rna.var_names, rna.var["n_cells"], min_cells=settings["min_cells"]
    )
    with atomic(snakemake.output[0]) as path:
        path.write_text("\n".join(tfs) + "\n")
