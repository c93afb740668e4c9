"""Read single cells with labels of response; labels go into a file of their own, which no model reads."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.sc_drug.cells import read_cells
    from grnformer.bench.sc_drug.labelled import split_labels
    from grnformer.bench.sc_drug.samples import given_files
    from grnformer.core import io

    given, entry = snakemake.input, snakemake.params.entry
    (labels,) = given_files([entry], "labels", given.labels)
    (gene_ids,) = given_files([entry], "gene_ids", given.gene_ids)
    cells = read_cells(given.cells, entry, labels, gene_ids)
    unlabelled, table = split_labels(cells, entry)
    io.write_anndata(unlabelled, snakemake.output.cells, "unlabelled_cells")
    io.write_table(table, snakemake.output.labels, "cell_labels")
