"""Choose a topic count by the scores of the fitted models."""

from grnformer.core.job import job

with job(snakemake):
    import pandas as pd

    from grnformer.core.io import read_table, write_table
    from grnformer.topics.select import select_topic_count

    scores = pd.concat(
        [read_table(path, "topic_scores") for path in snakemake.input.scores],
        ignore_index=True,
    )
    rule = snakemake.params.selection
    table = select_topic_count(
        scores,
        selected=snakemake.params.selected,
        rule=rule["rule"],
        scores_averaged=rule["scores"],
        distinct_only=rule["distinct_only"],
    )
    chosen = (
        scores["n_topics"].tolist().index(table.query("selected")["n_topics"].item())
    )
    for matrix in ("cell_topic", "region_topic"):
        write_table(
            read_table(snakemake.input[matrix][chosen], matrix),
            snakemake.output[matrix],
            matrix,
        )
    write_table(table, snakemake.output.selection, "topic_selection")
