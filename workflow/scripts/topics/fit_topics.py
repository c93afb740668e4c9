"""Fit topics of co-accessible regions for one topic count, and score them on held-out cells."""

from grnformer.job import job

with job(snakemake):
    from grnformer.io import read_modality, write_table
    from grnformer.topics.fit import choose_regions, fit_topics
    from grnformer.topics.model import to_table

    settings = snakemake.params.settings
    atac = read_modality(snakemake.input.multiome, "atac", "multiome")
    atac = atac[:, choose_regions(atac.X, settings["min_cells"])]
    model, scores = fit_topics(atac.X, int(snakemake.wildcards.n_topics), settings)
    write_table(to_table(model.cell_topic, atac.obs_names.tolist(), "cell"), snakemake.output.cell_topic, "cell_topic")
    write_table(
        to_table(model.region_topic, atac.var_names.tolist(), "region"), snakemake.output.region_topic, "region_topic"
    )
    write_table(scores, snakemake.output.scores, "topic_scores")
