"""Predict single cells of tested lines from expression, by models of all other lines; score each beside its ceiling."""

from grnformer.core.job import job

with job(snakemake):
    import torch

    from grnformer.bench.sc_drug.lines import evaluate_expression, problem_of, set_up
    from grnformer.bench.sc_drug.samples import bulk_features, cell_features
    from grnformer.core import io

    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    given, params = snakemake.input, snakemake.params
    cells = io.read_anndata(given.cells, "line_cells")
    tested = set_up(
        cells.obs["line"].to_numpy(str),
        io.read_table(given.responses, "drug_responses"),
        aliases=params.aliases,
        samples=params.samples,
        subsets=params.subsets,
    )
    expression = io.read_anndata(given.expression, "line_expression")
    of_lines = bulk_features(expression, cells.var_names)
    scores, chosen = evaluate_expression(
        tested,
        problem_of(tested, of_lines, cell_features(cells)),
        methods=params.methods,
        scoring=params.scoring,
    )
    io.write_table(scores, snakemake.output.scores, "scores")
    io.write_table(chosen, snakemake.output.choices, "sc_drug_choices")
