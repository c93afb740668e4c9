"""Draw region sets: regions of each topic (Otsu, top n) and differentially accessible regions of each cell type."""

from grnformer.core.job import job

with job(snakemake):
    import pandas as pd

    from grnformer.core.io import read_modality, read_table, write_table
    from grnformer.topics.dar import find_dars
    from grnformer.topics.model import TopicModel, from_table
    from grnformer.topics.region_sets import binarize_topics

    cell_topic, cells = from_table(
        read_table(snakemake.input.cell_topic, "cell_topic"), "cell"
    )
    region_topic, regions = from_table(
        read_table(snakemake.input.region_topic, "region_topic"), "region"
    )
    types = (
        read_modality(snakemake.input.multiome, "atac", "multiome", "names")
        .obs["cell_type"]
        .reindex(cells)
        .to_numpy()
    )
    sets = binarize_topics(region_topic, regions, **snakemake.params.region_sets)
    dars = find_dars(
        TopicModel(cell_topic, region_topic), regions, types, **snakemake.params.dar
    )
    together = pd.concat(
        [part for part in (sets, dars) if len(part)], ignore_index=True
    )
    write_table(together, snakemake.output.region_sets, "region_sets")
