"""Predict the response of single cells to a drug by models of bulk lines, and by models that cannot know it."""

from grnformer.core.job import job

with job(snakemake):
    import torch

    from grnformer.bench.drug_response.lines import read_expression
    from grnformer.bench.drug_response.screen import COLUMNS
    from grnformer.bench.sc_drug.labelled import predict_cells, screen_matrix
    from grnformer.core import io

    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    given, params = snakemake.input, snakemake.params
    matrix, expression = screen_matrix(
        io.read_delimited(given.screen, ",", COLUMNS[:2]),
        read_expression(given.expression, given.genes),
    )
    predictions, chosen = predict_cells(
        io.read_anndata(given.cells, "unlabelled_cells"),
        matrix,
        expression,
        params.entry,
        params.methods,
        params.scoring,
    )
    io.write_table(predictions, snakemake.output.predictions, "cell_predictions")
    io.write_table(chosen, snakemake.output.choices, "sc_drug_choices")
