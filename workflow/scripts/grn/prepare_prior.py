"""Prior TF-target pairs of the chosen collections, one row a pair."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import write_table
    from grnformer.genome.orthologs import read_orthologs
    from grnformer.grn.prior import prepare_prior, read_prior, translate_prior

    given, setting = snakemake.input, "grn.cistromes.prior.orthologs"
    prior = prepare_prior(read_prior(given.table), **snakemake.params.settings)
    if given.orthologs:
        prior = translate_prior(prior, read_orthologs(given.orthologs, setting))
    write_table(prior, snakemake.output[0], "prior")
