"""Merge a drug screen's replicates, join its drugs by structure and its lines with their expression."""

from grnformer.core.job import job

with job(snakemake):
    import anndata

    from grnformer.bench.drug_response.lines import read_expression
    from grnformer.bench.drug_response.screen import COLUMNS, prepare_screen
    from grnformer.core import io
    from grnformer.core.unpickle import read_text_dict

    given, out = snakemake.input, snakemake.output
    expression = read_expression(given.expression, given.genes)
    screen = prepare_screen(
        io.read_delimited(given.responses, ",", COLUMNS[:2]),
        read_text_dict(given.smiles),
        expression,
    )
    io.write_table(screen.responses, out.responses, "drug_responses")
    io.write_table(screen.drugs, out.drugs, "drugs")
    io.write_anndata(
        anndata.AnnData(screen.expression), out.expression, "line_expression"
    )
    io.write_table(screen.counts, out.counts, "screen_counts")
