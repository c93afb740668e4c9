"""Predict single cells of tested lines from one arm's embeddings, by the same methods as from expression."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.sc_drug.lines import evaluate_embedding, problem_of, set_up
    from grnformer.core import io

    given, params = snakemake.input, snakemake.params
    cells = io.read_anndata(given.cells, "line_cells")
    tested = set_up(
        cells.obs["line"].to_numpy(str),
        io.read_table(given.responses, "drug_responses"),
        aliases=params.aliases,
        samples=params.samples,
        subsets=params.subsets,
    )
    of_lines = [io.read_table(path, "line_embedding") for path in given.of_lines]
    of_cells = [io.read_table(path, "cell_embedding") for path in given.of_cells]
    problems = [
        problem_of(
            tested,
            lines.set_index("line"),
            table.set_index("cell").loc[cells.obs_names].to_numpy(float),
        )
        for lines, table in zip(of_lines, of_cells, strict=True)
    ]
    scores, chosen = evaluate_embedding(
        tested,
        problems,
        snakemake.wildcards.arm,
        methods=params.methods,
        scoring=params.scoring,
    )
    io.write_table(scores, snakemake.output.scores, "scores")
    io.write_table(chosen, snakemake.output.choices, "sc_drug_choices")
