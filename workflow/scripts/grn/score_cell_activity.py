"""Score the activity of each eRegulon in each cell (AUCell) and call it active or not (mixture threshold)."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import (
        add_shared_embedding,
        read_modality,
        read_table,
        write_anndata,
        write_table,
    )
    from grnformer.grn.activity.activity import score_activity

    rna = read_modality(snakemake.input.multiome, "rna", "multiome")
    add_shared_embedding(rna, snakemake.input.multiome, "X_umap")
    training = [
        read_modality(path, "rna", "multiome") for path in snakemake.input.training
    ]
    original = [read_table(path, "cell_auc") for path in snakemake.input.original]
    activity, thresholds = score_activity(
        rna,
        read_table(snakemake.input.eregulons, "eregulons"),
        original[0] if original else None,
        training[0] if training else None,
        **snakemake.params.settings,
        seed=snakemake.params.seed,
    )
    write_table(thresholds, snakemake.output.thresholds, "thresholds")
    write_anndata(activity, snakemake.output.activity, "cell_activity")
