"""Prior TF-target pairs of the chosen collections, one row a pair."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import write_table
    from grnformer.grn.prior import prepare_prior, read_prior

    settings = dict(snakemake.params.settings)
    settings.pop("table")
    write_table(
        prepare_prior(read_prior(snakemake.input[0]), **settings),
        snakemake.output[0],
        "prior",
    )
