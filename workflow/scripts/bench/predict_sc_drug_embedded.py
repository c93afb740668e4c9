"""Predict the response of single cells to a drug from embeddings of lines and cells by every model."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.drug_response.lines import read_expression
    from grnformer.bench.drug_response.screen import COLUMNS
    from grnformer.bench.sc_drug.labelled import predict_embedded, screen_matrix
    from grnformer.core import io

    given, params = snakemake.input, snakemake.params
    matrix, _ = screen_matrix(
        io.read_delimited(given.screen, ",", COLUMNS[:2]),
        read_expression(given.expression, given.genes),
    )
    lines, cells = (
        {
            model: io.read_table(path, f"{of}_embedding").set_index(of)
            for model, path in zip(params.models, paths, strict=True)
        }
        for of, paths in (("line", given.lines), ("cell", given.cells))
    )
    predictions, chosen = predict_embedded(
        lines, cells, matrix, params.entry, params.methods
    )
    io.write_table(predictions, snakemake.output.predictions, "cell_predictions")
    io.write_table(chosen, snakemake.output.choices, "sc_drug_choices")
