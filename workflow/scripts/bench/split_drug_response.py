"""Assign the pairs of a drug screen to train, validation and test."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.drug_response.split import assign_parts
    from grnformer.core import io

    responses = io.read_table(snakemake.input.responses, "drug_responses")
    parts = assign_parts(
        responses, snakemake.wildcards.split, **snakemake.params.settings
    )
    io.write_table(parts, snakemake.output[0], "drug_split")
