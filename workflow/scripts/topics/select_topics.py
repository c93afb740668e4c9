"""Choose a topic count by distinct topics, held-out likelihood and coherence."""

from grnformer.job import job

with job(snakemake):
    import pandas as pd

    from grnformer.io import read_table, write_table
    from grnformer.topics.evaluate import select_topic_count

    scores = pd.concat([read_table(path, "topic_scores") for path in snakemake.input.scores], ignore_index=True)
    chosen = int(scores["n_topics"].tolist().index(select_topic_count(scores).query("selected")["n_topics"].item()))
    for matrix in ("cell_topic", "region_topic"):
        write_table(read_table(snakemake.input[matrix][chosen], matrix), snakemake.output[matrix], matrix)
    write_table(select_topic_count(scores), snakemake.output.selection, "topic_selection")
