"""Figures of the topics: model selection, cells by topic, sizes of the region sets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import (
    CATEGORIES,
    MUTED,
    OUTLINE,
    SEQUENTIAL,
    colours,
    panels,
)
from grnformer.topics.select import SCORES, rescale

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


def plot_selection(selection: pd.DataFrame) -> go.Figure:
    """Rescaled scores, held-out likelihood and count of distinct topics by topic count."""
    titles = [
        "rescaled scores",
        "held-out log-likelihood (nats/token)",
        "distinct topics (n)",
    ]
    figure, places = panels(
        titles, horizontal_spacing=0.08, column_widths=[0.46, 0.3, 0.24]
    )
    ordered = selection.sort_values("n_topics")
    counts, selected = ordered["n_topics"], ordered["selected"]

    for (name, label), colour in zip(_SCORES.items(), CATEGORIES, strict=False):
        figure.add_scatter(
            x=counts,
            # times its sign, so that high is good for every score
            y=rescale(ordered[name].to_numpy(dtype=float) * SCORES[name]),
            name=label,
            mode="lines+markers",
            line_color=colour,
            line_width=1.5,
            marker_size=np.where(selected, 11, 6),
            **places[0],
        )

    # Only the held-out likelihood has an error.
    error = {"array": ordered["heldout_standard_error"], "color": OUTLINE}
    for place, name, bars in (
        (places[1], "heldout_log_likelihood", error),
        (places[2], "distinct_topics", None),
    ):
        figure.add_scatter(
            x=counts,
            y=ordered[name],
            mode="lines+markers",
            showlegend=False,
            line_color="#b8c1ca",
            error_y=bars,
            marker_size=np.where(selected, 15, 8),
            marker_color=CATEGORIES[0],
            **place,
        )

    figure.update_xaxes(title="topics (n)", tickvals=counts)
    return figure.update_layout(
        legend_orientation="h", legend_y=-0.28, legend_yanchor="top"
    )


def plot_cells(proportions: pd.DataFrame, types: pd.Series) -> go.Figure:
    """Heat map topics x cells, cells grouped by type, with a coloured bar of the types below."""
    # Sorted cells show topics of a type as blocks.
    order = _order_cells(proportions, types)
    values, types = proportions.iloc[order], types.iloc[order].astype(str)
    sizes = types.value_counts(sort=False)
    palette = colours(sorted(sizes.index))
    figure, (above, below) = panels(
        ["", ""], 1, row_heights=[0.93, 0.07], vertical_spacing=0.015, shared_xaxes=True
    )

    figure.add_heatmap(
        z=np.round(values.to_numpy().T, 3),
        y=values.columns.tolist(),
        colorscale=SEQUENTIAL,
        zmin=0,
        # a few very high proportions would leave all others dark
        zmax=float(np.quantile(values.to_numpy(), 0.99)),
        hovertemplate="%{y}: %{z}<extra></extra>",
        colorbar_title="proportion",
        colorbar_thickness=12,
        **above,
    )

    start = 0
    for name, size in sizes.items():
        figure.add_bar(
            x=[size],
            base=[start - 0.5],
            y=[""],
            orientation="h",
            marker_color=palette[str(name)],
            marker_line_width=0,
            text=f"{name} ({size:,})",
            insidetextanchor="middle",
            textangle=0,
            showlegend=False,
            width=1,
            hoverinfo="text",
            textfont_color="white",
            # A type's name may leave its bar unless the bar is narrow: there it would cover its neighbours.
            constraintext="none" if size > 0.06 * len(types) else "inside",
            **below,
        )

        start += size

    # Half a cell on either side: columns are centred on whole numbers.
    figure.update_xaxes(showticklabels=False, ticks="", range=[-0.5, len(types) - 0.5])
    figure.update_yaxes(autorange="reversed", tickmode="linear", **above)
    return figure.update_layout(barmode="overlay", margin_b=16, margin_t=34)


def plot_sizes(sizes: pd.DataFrame) -> go.Figure:
    """Bars of the set sizes, one panel a kind of set."""
    kinds = [kind for kind in _KINDS if kind in set(sizes["kind"])]
    figure, places = panels([_KINDS[kind] for kind in kinds], horizontal_spacing=0.09)

    for kind, place in zip(kinds, places, strict=True):
        part = sizes[sizes["kind"] == kind]
        names = part["set"].str.replace("topic_", "")
        figure.add_bar(
            x=names, y=part["regions"], showlegend=False, marker_color=MUTED, **place
        )
        figure.update_xaxes(
            type="category", title="cell type" if kind == "dar" else "topic", **place
        )

    return figure.update_yaxes(title="regions (n)", col=1)


def _order_cells(proportions: pd.DataFrame, types: pd.Series) -> np.ndarray:
    """Order of the cells: by type, and within it by the type's leading topic, the highest proportion first."""
    names = types.astype(str)
    leading = proportions.groupby(names.to_numpy()).mean().idxmax(axis=1)
    columns = proportions.columns.get_indexer(names.map(leading))
    # Negative, since lexsort ascends and the highest comes first.
    key = -proportions.to_numpy()[np.arange(len(names)), columns]

    # The last key of lexsort is the first criterion.
    return np.lexsort((key, names))
