"""Another drug screen under the names of the first: what a model trains on that is tested in the first."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.drug_response.screen import (
        COLUMNS,
        align_screen,
        prepare_screen,
    )
    from grnformer.core import io
    from grnformer.core.unpickle import read_text_dict

    given = snakemake.input
    expression = io.read_anndata(given.expression, "line_expression").to_df()
    source = prepare_screen(
        io.read_delimited(given.source, ",", COLUMNS[:2]),
        read_text_dict(given.smiles),
        expression,
    )
    aligned = align_screen(
        source, io.read_table(given.drugs, "drugs"), expression.index
    )
    io.write_table(aligned, snakemake.output[0], "drug_responses")
