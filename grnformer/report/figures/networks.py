"""Figures of the eRegulons: dot plot, specificity, thresholds, how activity follows the TF, stability."""

from __future__ import annotations

import textwrap

import anndata
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import (
    CATEGORIES,
    INK,
    NEGATIVE,
    REFERENCE,
    add_bars,
    add_dots,
    corner_text,
    dot_size,
    legend_above,
    panels,
    scale_within,
)
from grnformer.report.text import format_rows

_DOT = (
    "{eregulon} in {cell_type}<br>active in {active_fraction:.0%} of {cells:,} cells<br>RSS {rss:.3f}, "
    "mean AUC {mean_auc:.3f}<br>mean TF expression {tf_expression:.3f} (log1p)"
)
_CORRELATED = (
    "{eregulon}<br>target genes {rho_genes:.2f}, target regions {rho_regions:.2f}"
    "<br>falls short in: {falls_short_in}"
)
_TITLE_WIDTH = 42  # characters in small type, in a panel of three


def plot_dots(dots: pd.DataFrame) -> go.Figure:
    """Dot plot: eRegulons x cell types, colour TF expression (scaled per TF), size fraction of cells where active."""
    figure = add_dots(
        go.Figure(),
        dots,
        "eregulon",
        "active_fraction",
        showlegend=False,
        hovertext=format_rows(dots, _DOT),
        marker_color=scale_within(dots["tf_expression"], dots["eregulon"]),
        marker_cmin=0,
        marker_cmax=1,
        marker_colorbar={
            "title": {"text": "TF expression<br>(scaled)"},
            "thickness": 12,
            "len": 0.9,
            "y": 0.5,
        },
    )

    for fraction in (0.1, 0.5, 1.0):
        # Without a point: for the legend only.
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=f"active in {fraction:.0%} of cells",
            marker_color="white",
            marker_size=dot_size(fraction),
            marker_line_width=1,
            marker_line_color=INK,
        )

    return legend_above(figure, 1.02, legend_itemsizing="trace", margin_t=60)


def plot_ranking(specificity: pd.DataFrame, labelled: int) -> go.Figure:
    """RSS of all eRegulons by rank, one panel a cell type, the first `labelled` named."""
    types = sorted(specificity["cell_type"].unique())
    columns = min(4, len(types))
    # Gaps are fractions of the whole height: more rows, smaller gaps.
    spacing = 0.3 / -(-len(types) // columns)
    figure, places = panels(
        types, columns, horizontal_spacing=0.06, vertical_spacing=spacing
    )

    for name, place in zip(types, places, strict=True):
        # Equal scores keep the order of names, so that the page is the same in every run.
        part = rank_specificity(specificity[specificity["cell_type"] == name])
        top = np.arange(len(part)) < labelled

        figure.add_scatter(
            x=np.arange(1, len(part) + 1),
            y=part["rss"],
            mode="markers",
            showlegend=False,
            hovertext=part["eregulon"],
            marker_size=np.where(top, 7, 4),
            marker_color=np.where(top, NEGATIVE, REFERENCE).tolist(),
            **place,
        )

        # room above the points for the names
        high, low = part["rss"].max(), part["rss"].min()
        figure.update_yaxes(range=_with_room(low, high, labelled), **place)
        listed = "<br>".join(part["eregulon"].head(labelled))
        corner_text(
            figure,
            listed,
            0.97,
            NEGATIVE,
            place,
            align="right",
        )

    for place in places[-columns:]:
        figure.update_xaxes(title="rank", **place)
    return figure.update_yaxes(title="RSS", col=1)


def _with_room(low: float, high: float, lines: int) -> list[float]:
    """A range from below the least score to so far above the highest that lines of text stand over it."""
    span = (high - low) or abs(high) or 1.0
    # of a panel of some 165 pixels, a line takes 14
    share = min(0.6, 14 * (lines + 1) / 165)
    return [low - 0.08 * span, low + 1.08 * span / (1 - share)]


def rank_specificity(specificity: pd.DataFrame) -> pd.DataFrame:
    """Rows by type and falling RSS; equal ones by name."""
    return specificity.sort_values(
        ["cell_type", "rss", "eregulon"], ascending=[True, False, True]
    )


def plot_thresholds(
    activity: anndata.AnnData, examples: list[str], doubts: dict[str, str]
) -> go.Figure:
    """Histograms of AUC over cells with the threshold above which the eRegulon counts as active.

    `doubts` gives the reason why each eRegulon's threshold is doubtful, or is empty.
    """
    columns = min(3, len(examples))
    about = activity.var.loc[examples]
    titles = []
    for name, method in about["threshold_method"].items():
        reason = f"doubtful: {doubts[name]}" if doubts[name] else ""
        # a title is no wider than its panel
        active = (
            dense(activity[:, [name]].X).ravel() > about.loc[name, "threshold"]
        ).mean()
        lines = [
            f"{method}; active in {active:.0%} of cells",
            *textwrap.wrap(reason, _TITLE_WIDTH),
        ]
        titles.append(
            "<br>".join([str(name), *(f"<sub>{line}</sub>" for line in lines)])
        )
    spacing = 0.5 / -(-len(examples) // columns)
    figure, places = panels(
        titles, columns, horizontal_spacing=0.07, vertical_spacing=spacing
    )

    for (name, threshold), place in zip(
        about["threshold"].items(), places, strict=True
    ):
        values = dense(activity[:, [name]].X).ravel()
        add_bars(
            figure,
            values,
            np.histogram_bin_edges(values, bins=50),
            CATEGORIES[5],
            showlegend=False,
            **place,
        )
        figure.add_vline(x=float(threshold), line_color=NEGATIVE, line_width=2, **place)
    for place in places[-columns:]:
        figure.update_xaxes(title="AUC", **place)
    figure.update_yaxes(title="cells (n)", col=1)
    return figure.update_layout(bargap=0, margin_t=100)


def plot_quality(quality: pd.DataFrame) -> go.Figure:
    """Correlation of the TF with its target genes' activity against that with its target regions'."""
    figure = go.Figure()
    shown = quality.dropna(subset=["rho_genes", "rho_regions"])

    for passed, name, colour in (
        (True, "follows its TF", CATEGORIES[0]),
        (False, "falls short", NEGATIVE),
    ):
        part = shown[shown["passed"] == passed]
        figure.add_scatter(
            x=part["rho_genes"],
            y=part["rho_regions"],
            mode="markers",
            name=f"{name} ({len(part):,})",
            hovertext=format_rows(part, _CORRELATED),
            hoverinfo="text",
            marker_size=7,
            marker_color=colour,
            marker_opacity=0.7,
        )

    # A little beyond 1, so that points at the ends are drawn whole.
    figure.update_xaxes(title="TF and its target genes (rho)", range=[-1.05, 1.05])
    return figure.update_yaxes(
        title="TF and its target regions (rho)", range=[-1.05, 1.05]
    )


def plot_frequency(frequency: pd.Series) -> go.Figure:
    """Bars: number of triplets by the fraction of reruns that hold them."""
    # Fractions of few reruns: rounding joins those that differ in their last bit.
    counts = frequency.round(4).value_counts().sort_index()
    figure = go.Figure(
        go.Bar(x=[f"{fraction:.0%}" for fraction in counts.index], y=counts.to_numpy())
    )
    figure.update_xaxes(title="reruns that hold the triplet", type="category")
    return figure.update_yaxes(title="triplets (n)")


def dense(values: np.ndarray) -> np.ndarray:
    """A matrix, sparse or not, as an array."""
    return values.toarray() if hasattr(values, "toarray") else np.asarray(values)
