"""Read single cells of known lines, join them on the genes of the screen, and draw some of each line."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.sc_drug.cells import read_cells
    from grnformer.bench.sc_drug.samples import draw_cells, given_files, join_sets
    from grnformer.core import io

    given, entries = snakemake.input, snakemake.params.lines
    labels = given_files(entries, "labels", given.labels)
    gene_ids = given_files(entries, "gene_ids", given.gene_ids)
    sets = {
        entry["name"]: read_cells(path, entry, of_cells, ids)
        for entry, path, of_cells, ids in zip(
            entries, given.cells, labels, gene_ids, strict=True
        )
    }
    screen = io.read_anndata(given.expression, "line_expression")
    lines = {entry["name"]: entry["lines"] for entry in entries}
    cells = join_sets(sets, lines, screen.obs_names, screen.var_names)
    samples = snakemake.params.samples
    drawn = draw_cells(cells.obs["line"], samples["cells_per_line"], samples["seed"])
    io.write_anndata(cells[drawn].copy(), snakemake.output[0], "line_cells")
