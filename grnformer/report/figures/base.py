"""What figures share: colours that colour-blind readers can tell apart, panels, legends, interval bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

# Okabe and Ito's palette (jfly.uni-koeln.de/color), its yellow darkened to stand on white; then Tol's muted set.
CATEGORIES = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#8A7A00",
    "#332288",
    "#882255",
    "#44AA99",
    "#999933",
    "#AA4499",
    "#117733",
    "#661100",
    "#6699CC",
    "#888888",
)
POSITIVE, NEGATIVE, INK, MUTED = "#0072B2", "#D55E00", "#1f2933", "#6b7785"
GRID, TICK, PALE, REFERENCE, OUTLINE = (
    "#e6eaee",
    "#c3cbd3",
    "#aab4be",
    "#9aa5b1",
    "#8a949e",
)
SEQUENTIAL = "Viridis"
_FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
)
_MOST_SVG_POINTS = 5000

Place = dict[str, int]


def colours(names: Iterable[Any]) -> dict[str, str]:
    """One colour a distinct name, in the order given; after the last colour they begin again."""
    return dict(zip(dict.fromkeys(map(str, names)), cycle(CATEGORIES), strict=False))


def styled(figure: go.Figure, height: int) -> go.Figure:
    """The figure with the page's font, grid and margins; the figure given stays as it was."""
    figure = go.Figure(figure)
    # A figure may set some of the margins; the others are the page's.
    margin = {"l": 60, "r": 20, "t": 58, "b": 52} | (
        figure.layout.margin.to_plotly_json() or {}
    )

    figure.update_layout(
        template=None,
        height=height,
        margin=margin,
        font_family=_FONT,
        font_size=13,
        font_color=INK,
        paper_bgcolor="white",
        plot_bgcolor="white",
        colorway=CATEGORIES,
        hoverlabel_font_family=_FONT,
        hoverlabel_font_size=12,
    )

    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        axis.update(
            automargin=True,
            zeroline=False,
            linecolor=TICK,
            ticks="outside",
            tickcolor=TICK,
        )
        # Powers of ten on a log axis keep their exponents.
        if axis.type != "log":
            axis.update(exponentformat="none", separatethousands=True)
        # What a figure has set stays: it may hide its grid or enlarge a title.
        axis.gridcolor = axis.gridcolor or GRID

    for annotation in figure.layout.annotations:
        annotation.font.size = annotation.font.size or 13
    return figure


def panels(
    titles: Sequence[str], columns: int | None = None, **options: Any
) -> tuple[go.Figure, list[Place]]:
    """Empty panels in rows of `columns` (default: one row), and the place of each; `options` of make_subplots."""
    columns = columns or len(titles)
    figure = make_subplots(
        rows=-(-len(titles) // columns), cols=columns, subplot_titles=titles, **options
    )

    places = []
    for number in range(len(titles)):
        row, column = divmod(number, columns)
        places.append({"row": row + 1, "col": column + 1})
    return figure, places


def legend_above(figure: go.Figure, y: float = 1.1, **layout: Any) -> go.Figure:
    """The figure with its legend in a row above the panels; `layout` says more of it."""
    return figure.update_layout(
        legend_orientation="h",
        legend_y=y,
        legend_yanchor="bottom",
        legend_x=0,
        **layout,
    )


def interval_bars(rows: pd.DataFrame, column: str, **style: Any) -> dict[str, Any]:
    """Error bars from the columns low and high around `column`; none where they are missing."""
    # Rounding can put an end of an interval on the wrong side of its point, which plotly would draw.
    above = (rows["high"] - rows[column]).fillna(0).clip(lower=0)
    below = (rows[column] - rows["low"]).fillna(0).clip(lower=0)
    return {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "width": 3,
        **style,
    }


def scatter_points(
    x: np.ndarray, y: np.ndarray, **options: Any
) -> go.Scatter | go.Scattergl:
    """Trace of points that suits their number."""
    # SVG stays sharp and prints; WebGL is for more points than a browser draws well.
    kind = go.Scatter if len(x) <= _MOST_SVG_POINTS else go.Scattergl
    return kind(x=x, y=y, mode="markers", **options)


def add_bars(
    figure: go.Figure,
    values: np.ndarray,
    edges: np.ndarray,
    colour: str,
    **options: Any,
) -> None:
    """Add the histogram of values in bins of given edges."""
    # Counted here: the page holds bins in place of all values.
    counts, _ = np.histogram(values, bins=edges)
    centres = (edges[:-1] + edges[1:]) / 2
    figure.add_bar(
        x=centres, y=counts, marker_color=colour, marker_line_width=0, **options
    )


def corner_text(
    figure: go.Figure, text: str, y: float, colour: str, place: Place, **options: Any
) -> None:
    """Write into the upper right corner of a panel."""
    figure.add_annotation(
        x=0.98,
        y=y,
        xref="x domain",
        yref="y domain",
        xanchor="right",
        yanchor="top",
        text=text,
        showarrow=False,
        font_size=11,
        font_color=colour,
        **options,
        **place,
    )


def scale_within(values: pd.Series, groups: pd.Series) -> pd.Series:
    """Values moved and scaled to 0 to 1 within each group; NaN where all of a group are equal."""
    grouped = values.groupby(groups)
    low, high = grouped.transform("min"), grouped.transform("max")
    return (values - low) / (high - low).replace(0, np.nan)


def add_dots(
    figure: go.Figure, dots: pd.DataFrame, name: str, fraction: str, **options: Any
) -> go.Figure:
    """Add a dot plot: x is the column `name`, y the cell type, the area of a dot the column `fraction`."""
    figure.add_scatter(
        x=dots[name],
        y=dots["cell_type"],
        mode="markers",
        hoverinfo="text",
        marker_size=dot_size(dots[fraction]),
        marker_colorscale=SEQUENTIAL,
        marker_line_width=0.6,
        marker_line_color=OUTLINE,
        **options,
    )

    figure.update_xaxes(tickangle=-60, type="category", tickfont_size=11)
    return figure.update_yaxes(type="category", autorange="reversed")


def dot_size(fraction: Any) -> Any:
    """Pixels of a dot whose area grows with a fraction (0 to 1)."""
    # The eye compares areas; 3 pixels keep a fraction of 0 visible.
    return 3 + 13 * np.sqrt(fraction)
