"""Join count matrices of RNA without chromatin to one file of a corpus, whose cells have one type."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_table, write_anndata
    from grnformer.prep.rna import read_rna

    cells = read_rna(
        snakemake.input.matrices,
        read_table(snakemake.input.tss, "tss"),
        snakemake.params.cell_type,
        **snakemake.params.settings,
    )
    write_anndata(cells, snakemake.output[0], "typed_rna")
