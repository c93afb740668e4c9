"""Fit topics of co-accessible regions for one topic count (or take pycisTopic's), and score them on held-out cells."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_modality, read_table, write_table
    from grnformer.core.methods import load
    from grnformer.topics.evaluate import score_fits
    from grnformer.topics.fit import binarize, choose_regions, fit_models
    from grnformer.topics.model import to_table

    settings, original = snakemake.params.settings, snakemake.input.original
    atac = read_modality(snakemake.input.multiome, "atac", "filtered_cells", "X")
    chosen = choose_regions(atac.X, settings["min_cells"])
    cells, regions = atac.obs_names.tolist(), atac.var_names[chosen].tolist()
    matrix = binarize(atac.X[:, chosen])
    # of many cells gigabytes, which sampling needs
    del atac
    if original:
        names = (
            "cell_topic",
            "region_topic",
            "partial_cell_topic",
            "partial_region_topic",
        )
        files = zip(names, original, strict=True)
        tables = {
            name: read_table(path, name.removeprefix("partial_"))
            for name, path in files
        }
        fits = load("grnformer.topics", settings["method"]).call(
            cells, regions, **tables
        )
    else:
        fits = fit_models(matrix, int(snakemake.wildcards.n_topics), settings)
    write_table(
        to_table(fits.model.cell_topic, cells, "cell"),
        snakemake.output.cell_topic,
        "cell_topic",
    )
    write_table(
        to_table(fits.model.region_topic, regions, "region"),
        snakemake.output.region_topic,
        "region_topic",
    )
    write_table(
        score_fits(matrix, fits, settings), snakemake.output.scores, "topic_scores"
    )
