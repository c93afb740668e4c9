"""Assign the pairs of a drug screen to train, validation and test."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.drug_response.split import assign_parts
    from grnformer.core import io

    given = snakemake.input
    # The parts are of the pairs to train on; which of them are tested is known by the screen that is predicted.
    responses = io.read_table(given.source or given.responses, "drug_responses")
    tissues = None
    if given.tissues:
        table = io.read_table(given.tissues, "line_tissues")
        tissues = dict(zip(table["line"], table["tissue"], strict=True))
    parts = assign_parts(
        responses,
        snakemake.wildcards.split,
        **snakemake.params.settings,
        tissues=tissues,
    )
    io.write_table(parts, snakemake.output[0], "drug_split")
