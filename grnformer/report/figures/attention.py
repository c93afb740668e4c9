"""Figures of the attention section: forest of enrichment, attention by degree."""

from __future__ import annotations

import textwrap

import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.base import (
    MUTED,
    REFERENCE,
    colours,
    interval_bars,
    legend_above,
    panels,
)
from grnformer.report.text import format_rows

_MOST_COLUMNS = 4
_UNIFORM = {"color": REFERENCE, "dash": "dot", "width": 1.4}


def plot_enrichment(
    summary: pd.DataFrame,
    matches: dict[str, str],
    height: int,
    palette: dict[str, str],
) -> go.Figure:
    """Forest: one row an arm and cell type, one panel a matching; trained, untrained and the null.

    Parameters
    ----------
    summary
        From `summarise_enrichment`.
    matches
        Matching -> the genes that TFs are compared with.
    palette
        Arm -> colour.
    """
    arms, types = summary["arm"].unique(), summary["cell_type"].unique()
    # A gap separates the rows of two arms.
    pairs = [(arm, name) for arm in arms for name in types]
    rows = {pair: i + 0.7 * (i // len(types)) for i, pair in enumerate(pairs)}
    summary = summary.assign(
        y=list(map(rows.get, zip(summary["arm"], summary["cell_type"], strict=True)))
    )
    # Two lines, for three panels stand side by side.
    titles = [
        f"over {name}".replace(" same ", " same<br>") for name in matches.values()
    ]
    figure, places = panels(titles, shared_yaxes=True, horizontal_spacing=0.02)

    for match, place in zip(matches, places, strict=True):
        part = summary[summary["matched_on"] == match].dropna(subset=["enrichment"])

        trained = part[part["state"] == "trained"]
        for row in trained.dropna(subset=["null_low"]).itertuples():
            # The null comes first, and lies behind the points.
            figure.add_scatter(
                x=[row.null_low, row.null_high],
                y=[row.y, row.y],
                mode="lines",
                line_color="#d5dbe1",
                line_width=9,
                showlegend=False,
                hoverinfo="skip",
                **place,
            )

        # Untrained models first: trained ones lie on top.
        for state, symbol, size in (
            ("untrained", "circle-open", 7),
            ("trained", "circle", 9),
        ):
            for arm, drawn in part[part["state"] == state].groupby("arm", sort=False):
                colour = palette[str(arm)]
                bars = (
                    interval_bars(drawn, "enrichment", thickness=1.5, color=colour)
                    if state == "trained"
                    else None
                )

                figure.add_scatter(
                    x=drawn["enrichment"],
                    y=drawn["y"],
                    mode="markers",
                    name=f"{arm}, {state}",
                    error_x=bars,
                    showlegend=place["col"] == 1,
                    legendgroup=f"{arm}{state}",
                    marker_symbol=symbol,
                    marker_size=size,
                    marker_color=colour,
                    hoverinfo="text",
                    hovertext=format_rows(
                        drawn, "{arm}, {cell_type}, {state}: {enrichment:.3f}"
                    ),
                    **place,
                )

        figure.add_vline(x=1, line=_UNIFORM, **place)

    names = [f"{name} \N{MIDDLE DOT} {arm}" for arm, name in rows]
    # A range from high to low puts the first row at the top.
    figure.update_yaxes(
        tickvals=list(rows.values()),
        ticktext=names,
        range=[max(rows.values()) + 0.7, -0.7],
    )
    # one scale: the comparisons are of the same ratio
    figure.update_xaxes(title="attention, TFs over others", matches="x")
    # The legend stands below the axis titles, whatever the height of the panels.
    legend = {
        "orientation": "h",
        "y": -88 / (height - 186),
        "yanchor": "top",
        "x": 0,
        "font": {"color": MUTED},
    }

    return figure.update_layout(legend=legend, margin_t=66, margin_b=130)


def plot_by_degree(table: pd.DataFrame) -> go.Figure:
    """Attention by bin of degree, TFs and others, one panel an arm."""
    arms = table["arm"].unique()
    bins = table.sort_values("bin")["links"].unique()
    palette = colours(["TFs", "other genes"])
    # a name is no wider than its panel
    titles = ["<br>".join(textwrap.wrap(arm.replace("_", " "), 20)) for arm in arms]
    columns = min(_MOST_COLUMNS, len(arms))
    lines = -(-len(arms) // columns)
    figure, places = panels(
        titles,
        columns,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=0.5 / lines if lines > 1 else 0,
    )

    for arm, place in zip(arms, places, strict=True):
        for kind, rows in table[table["arm"] == arm].groupby("kind", sort=False):
            figure.add_scatter(
                x=rows["links"],
                y=rows["mass"],
                mode="lines+markers",
                name=str(kind),
                legendgroup=str(kind),
                showlegend=place == places[0],
                line_color=palette[str(kind)],
                marker_size=7,
                hoverinfo="text",
                hovertext=format_rows(
                    rows, "{kind}, {links} links: {mass:.3f}; {genes:,} genes"
                ),
                **place,
            )

        figure.add_hline(y=1, line=_UNIFORM, **place)

    figure.update_xaxes(
        title="links", type="category", categoryorder="array", categoryarray=bins
    )
    figure.update_yaxes(title="attention (uniform: 1)", col=1)
    return legend_above(figure, margin_t=84)


def degree_height(table: pd.DataFrame) -> int:
    """Pixels that the panels of `plot_by_degree` need."""
    return 130 + 250 * -(-table["arm"].nunique() // _MOST_COLUMNS)
