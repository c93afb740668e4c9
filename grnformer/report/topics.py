"""Section of the topics: model selection, cells by topic, sizes of the region sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.report.page import Figure, Section, Table
from grnformer.report.style import CATEGORIES, MUTED, SEQUENTIAL, colours
from grnformer.topics.select import SCORES, rescale

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_KINDS = {
    "topic_otsu": "topic, Otsu threshold",
    "topic_li": "topic, Li threshold",
    "topic_top": "topic, top regions",
    "dar": "differentially accessible",
}
_SCORES = {
    "heldout_log_likelihood": "held-out log-likelihood",
    "cao_juan_2009": "Cao & Juan 2009",
    "arun_2010": "Arun 2010",
    "coherence": "coherence (Mimno 2011)",
    "joint_log_likelihood": "log-likelihood (Griffiths & Steyvers)",
}


def topics_section(
    dataset: str,
    selection: pd.DataFrame,
    cell_topic: pd.DataFrame,
    region_sets: pd.DataFrame,
    cell_types: pd.Series,
    max_cells: int,
    seed: int,
) -> Section:
    """Section of stage topics.

    Parameters
    ----------
    selection, cell_topic, region_sets
        Tables by the contracts ``topic_selection``, ``cell_topic`` and ``region_sets``.
    cell_types
        Cell type by cell name.
    max_cells
        Cells drawn in the heat map at most; a seeded sample of the rest is left out.
    """
    proportions = cell_topic.set_index("cell")
    types = cell_types.reindex(proportions.index)
    means = mean_by_type(proportions, types)
    chosen = int(selection.loc[selection["selected"], "n_topics"].iloc[0])
    shown = sample_rows(len(proportions), max_cells, seed)
    sizes = tabulate_sizes(region_sets)
    sampled = (
        "" if len(shown) == len(proportions) else f" A random {len(shown):,} of {len(proportions):,} cells are drawn."
    )
    return Section(
        "topics",
        "Topics",
        [
            Figure(
                "selection",
                plot_selection(selection),
                f"Scores of the fitted topic counts; {chosen} topics were selected (marked). Left: each score rescaled "
                "to 0 (worst count) to 1 (best), those of Arun and of Cao and Juan turned, so that high is good. "
                "Right: held-out likelihood per token of held-out regions of held-out cells (nats; bar: standard error "
                "over cells); distinct: topics that are no near-copy of another.",
                360,
            ),
            Table(
                "topic_selection",
                selection,
                f"The {len(selection)} fitted topic counts. mean_score: mean of the scores that the configuration lets "
                "vote, rescaled. Of arun_2010 and cao_juan_2009 less is better.",
                {
                    "log_likelihood": "log-likelihood (nats/token)",
                    "heldout_log_likelihood": "held-out (nats/token)",
                    "joint_log_likelihood": "with assignments (nats/token)",
                },
            ),
            Figure(
                "cell-topic",
                plot_cells(proportions.iloc[shown], types.iloc[shown]),
                "Topic proportions (0 to 1) of single cells, columns, ordered by cell type and within it by the "
                f"type's leading topic; n {len(proportions):,} cells.{sampled} Colours end at the 99th percentile.",
                120 + 18 * proportions.shape[1],
            ),
            Table("topic_by_type", means, "Mean topic proportion (0 to 1) of the cells of each type."),
            Figure(
                "set-sizes",
                plot_sizes(sizes),
                "Regions in each region set. Topic sets hold the regions whose score in the topic lies above "
                "Otsu's or Li's threshold or among the top; differentially accessible regions are those of a cell type "
                "against the rest, on topic-imputed accessibility.",
                330,
            ),
            Table(
                "region_set_sizes",
                sizes,
                f"Regions in each of the {len(sizes)} sets.",
                {"regions": "regions (n)"},
                folded=True,
            ),
        ],
        dataset,
    )


def mean_by_type(proportions: pd.DataFrame, types: pd.Series) -> pd.DataFrame:
    """Mean topic proportions of each cell type; columns cell_type, cells and one a topic."""
    grouped = proportions.groupby(types.astype(str), sort=True)
    means = grouped.mean()
    means.insert(0, "cells", grouped.size())
    return means.rename_axis("cell_type").reset_index()


def tabulate_sizes(region_sets: pd.DataFrame) -> pd.DataFrame:
    """Regions in each set; columns kind, set, regions."""
    return region_sets.groupby(["kind", "set"], sort=False).size().rename("regions").reset_index()


def sample_rows(n: int, most: int, seed: int) -> np.ndarray:
    """Positions of all rows, or of a seeded sample of `most` in their order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def plot_selection(selection: pd.DataFrame) -> go.Figure:
    """Rescaled scores, held-out likelihood and count of distinct topics by topic count."""
    from plotly.subplots import make_subplots

    titles = ["rescaled scores", "held-out log-likelihood (nats/token)", "distinct topics (n)"]
    figure = make_subplots(
        rows=1, cols=3, subplot_titles=titles, horizontal_spacing=0.08, column_widths=[0.46, 0.3, 0.24]
    )
    ordered = selection.sort_values("n_topics")
    counts, sizes = ordered["n_topics"], np.where(ordered["selected"], 15, 8)
    for number, (name, label) in enumerate(_SCORES.items()):
        figure.add_scatter(
            x=counts, y=rescale(ordered[name].to_numpy(dtype=float) * SCORES[name]), name=label, mode="lines+markers",
            row=1, col=1, line={"color": CATEGORIES[number], "width": 1.5},
            marker={"size": np.where(ordered["selected"], 11, 6)},
        )  # fmt: skip
    for column, name in ((2, "heldout_log_likelihood"), (3, "distinct_topics")):
        figure.add_scatter(
            x=counts, y=ordered[name], mode="lines+markers", row=1, col=column, showlegend=False,
            line={"color": "#b8c1ca"}, marker={"size": sizes, "color": CATEGORIES[0]},
            error_y={"array": ordered["heldout_standard_error"], "color": "#8a949e"} if column == 2 else None,
        )  # fmt: skip
    figure.update_xaxes(title="topics (n)", tickvals=counts)
    figure.update_layout(legend={"orientation": "h", "y": -0.28, "yanchor": "top"})
    return figure


def plot_cells(proportions: pd.DataFrame, types: pd.Series) -> go.Figure:
    """Heat map topics x cells, cells grouped by type, with a coloured bar of the types below."""
    from plotly.subplots import make_subplots

    order = _order_cells(proportions, types)
    values, types = proportions.iloc[order], types.iloc[order].astype(str)
    names = list(dict.fromkeys(types))
    palette = colours(sorted(names))
    figure = make_subplots(rows=2, cols=1, row_heights=[0.93, 0.07], vertical_spacing=0.015, shared_xaxes=True)
    figure.add_heatmap(
        z=np.round(values.to_numpy().T, 3), y=values.columns.tolist(), row=1, col=1, colorscale=SEQUENTIAL, zmin=0,
        zmax=float(np.quantile(values.to_numpy(), 0.99)), hovertemplate="%{y}: %{z}<extra></extra>",
        colorbar={"title": "proportion", "thickness": 12},
    )  # fmt: skip
    start = 0
    for name in names:
        size = int((types == name).sum())
        figure.add_bar(
            x=[size], base=[start - 0.5], y=[""], orientation="h",
            marker={"color": palette[name], "line": {"width": 0}},
            text=f"{name} ({size:,})", insidetextanchor="middle", textangle=0, row=2, col=1, showlegend=False, width=1,
            hoverinfo="text", textfont={"color": "white"},
            constraintext="none" if size > 0.06 * len(types) else "inside",
        )  # fmt: skip
        start += size
    figure.update_xaxes(showticklabels=False, ticks="", range=[-0.5, len(types) - 0.5])
    figure.update_yaxes(row=1, col=1, autorange="reversed", tickmode="linear")
    figure.update_layout(barmode="overlay", margin={"b": 16, "t": 34})
    return figure


def plot_sizes(sizes: pd.DataFrame) -> go.Figure:
    """Bars of the set sizes, one panel a kind of set."""
    from plotly.subplots import make_subplots

    kinds = [k for k in _KINDS if k in set(sizes["kind"])]
    figure = make_subplots(rows=1, cols=len(kinds), subplot_titles=[_KINDS[k] for k in kinds], horizontal_spacing=0.09)
    for column, kind in enumerate(kinds, start=1):
        part = sizes[sizes["kind"] == kind]
        figure.add_bar(
            x=part["set"].str.replace("topic_", ""), y=part["regions"], row=1, col=column, showlegend=False,
            marker={"color": MUTED},
        )  # fmt: skip
        figure.update_xaxes(type="category", title="cell type" if kind == "dar" else "topic", row=1, col=column)
    figure.update_yaxes(title="regions (n)", col=1)
    return figure


def _order_cells(proportions: pd.DataFrame, types: pd.Series) -> np.ndarray:
    values, names = proportions.to_numpy(), types.astype(str).to_numpy()
    key = np.zeros(len(values))
    for name in np.unique(names):
        of_type = names == name
        key[of_type] = -values[of_type][:, values[of_type].mean(axis=0).argmax()]
    return np.lexsort((key, names))
