"""Read single cells with labels of response; labels go into a file of their own, which no model reads."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.sc_drug.cells import read_cells
    from grnformer.bench.sc_drug.labelled import split_labels
    from grnformer.core import io

    given, entry = snakemake.input, snakemake.params.entry
    # no file, where the entry names none
    labels, gene_ids = given.labels or None, given.gene_ids or None
    cells = read_cells(given.cells, entry, labels, gene_ids)
    unlabelled, table = split_labels(cells, entry)
    io.write_anndata(unlabelled, snakemake.output.cells, "unlabelled_cells")
    io.write_table(table, snakemake.output.labels, "cell_labels")
