"""Prior TF-target pairs of the chosen collections, one row a pair."""

from grnformer.job import job

with job(snakemake):
    from grnformer.grn.prior import prepare_prior, read_prior
    from grnformer.io import write_table

    settings = dict(snakemake.params.settings)
    settings.pop("table")
    write_table(prepare_prior(read_prior(snakemake.input[0]), **settings), snakemake.output[0], "prior")
