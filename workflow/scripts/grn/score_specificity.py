"""Score how specific each eRegulon's activity is for each cell type (regulon specificity score)."""

from grnformer.job import job

with job(snakemake):
    from grnformer.grn.cell.rss import score_specificity
    from grnformer.io import read_anndata, write_table

    activity = read_anndata(snakemake.input[0], "cell_activity")
    write_table(score_specificity(activity), snakemake.output[0], "specificity")
