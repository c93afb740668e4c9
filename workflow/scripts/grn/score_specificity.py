"""Score how specific each eRegulon's activity is for each cell type (regulon specificity score)."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_anndata, read_modality, write_table
    from grnformer.grn.activity.rss import score_specificity

    activity = read_anndata(snakemake.input.activity, "cell_activity")
    for path in snakemake.input.training:
        cells = read_modality(path, "rna", "multiome", "names").obs_names
        activity = activity[cells]
    write_table(score_specificity(activity), snakemake.output[0], "specificity")
