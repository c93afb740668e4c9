"""Put counts, embeddings and clusters together, name the cell types and find their markers."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core import io
    from grnformer.prep.annotate import annotate_multiome, rank_markers, read_names
    from grnformer.prep.summary import summarise

    given, made = snakemake.input, snakemake.output
    embedding = io.read_anndata(given.embedding, "joint_embedding")
    names = None
    if given.names:
        names = read_names(given.names, embedding.obs["cluster"].astype(str))
    cells = io.read_without_matrices(given.cells, "filtered_cells", but_for=["rna"])
    data = annotate_multiome(cells, embedding, names)
    markers = rank_markers(data, n_per_type=snakemake.params.n_per_type)
    dropped = io.read_table(given.dropped, "dropped")
    qc = io.read_table(given.qc, "cell_qc")
    io.write_table(markers, made.markers, "markers")
    io.write_json(summarise(data, dropped, qc), made.summary, "prep_summary")
    io.write_with_matrices(data, given.cells, made.multiome, "multiome")
