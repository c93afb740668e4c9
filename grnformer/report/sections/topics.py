"""Section of the topics: model selection, cells by topic, sizes of the region sets."""

from __future__ import annotations

import pandas as pd

from grnformer.report.cells import sample_rows
from grnformer.report.figures.topics import plot_cells, plot_selection, plot_sizes
from grnformer.report.page import Block, Config, Figure, Section, table
from grnformer.report.text import format_sample


def topics_section(
    *,
    topic_selection: pd.DataFrame,
    cell_topic: pd.DataFrame,
    region_sets: pd.DataFrame,
    cell_types: pd.Series,
    settings: Config,
) -> Section:
    """Section of stage topics.

    Parameters
    ----------
    topic_selection, cell_topic, region_sets
        Tables by the contracts of these names.
    cell_types
        Cell type by cell name.
    settings
        Section ``report`` of the configuration.
    """
    proportions = cell_topic.set_index("cell")
    # The same cells, perhaps in another order.
    types = cell_types.reindex(proportions.index)
    chosen = int(topic_selection.loc[topic_selection["selected"], "n_topics"].iloc[0])
    shown = sample_rows(
        len(proportions), settings["max_heatmap_cells"], settings["seed"]
    )
    sizes = (
        region_sets.groupby(["kind", "set"], sort=False)
        .size()
        .rename("regions")
        .reset_index()
    )

    blocks: list[Block] = []
    # one count has nothing to be held against
    if len(topic_selection) > 1:
        blocks.append(
            Figure(
                "selection",
                plot_selection(topic_selection),
                f"Scores of the fitted topic counts. Selected: {chosen} topics (marked). Left: each score rescaled "
                "from 0 (worst count) to 1 (best); the scores of Arun and of Cao and Juan are inverted, so that high "
                "is good. "
                "Middle: likelihood per token of held-out regions of held-out cells (nats; bar: standard error over "
                f"cells). Right: topics that are no near-copy of another. n {len(proportions):,} cells; lines that "
                "coincide lie on each other.",
                360,
            )
        )
    blocks += [
        table(
            "topic_selection",
            topic_selection,
            f"The fitted topic counts ({len(topic_selection)}). Mean score: mean of the rescaled scores that the "
            "configuration uses to select. Of Arun 2010 and Cao and Juan 2009, less is better.",
            n_topics="topics (n)",
            arun_2010="Arun 2010",
            cao_juan_2009="Cao and Juan 2009",
            heldout_standard_error="held-out standard error",
            log_likelihood="log-likelihood (nats/token)",
            heldout_log_likelihood="held-out (nats/token)",
            joint_log_likelihood="with assignments (nats/token)",
        ),
        Figure(
            "cell-topic",
            plot_cells(proportions.iloc[shown], types.iloc[shown]),
            "Topic proportions (0 to 1) of single cells (columns), ordered by cell type and then by the type's "
            f"leading topic; n {len(proportions):,} cells. Colours end at the 99th percentile."
            + format_sample(len(shown), len(proportions), "cells"),
            # the strip of cell types below needs room too
            max(220, 120 + 18 * proportions.shape[1]),
        ),
        table(
            "topic_by_type",
            mean_topics(proportions, types),
            "Mean topic proportion (0 to 1) of the cells of each type.",
        ),
        Figure(
            "set-sizes",
            plot_sizes(sizes),
            "Regions in each region set. A topic set holds the regions whose score in the topic is above Otsu's or "
            "Li's threshold, or among the top. Differentially accessible regions: those of a cell type against the "
            f"rest, on topic-imputed accessibility. n {region_sets['region'].nunique():,} regions in all sets.",
            330,
        ),
        table(
            "region_set_sizes",
            sizes,
            f"Regions in each of the {len(sizes)} sets.",
            folded=True,
        ),
    ]

    return Section("topics", "Topics", blocks)


def mean_topics(proportions: pd.DataFrame, types: pd.Series) -> pd.DataFrame:
    """Mean topic proportions of each cell type; columns cell_type, cells and one a topic."""
    grouped = proportions.groupby(types.astype(str), sort=True)
    means = grouped.mean()
    means.insert(0, "cells", grouped.size())
    return means.rename_axis("cell_type").reset_index()
