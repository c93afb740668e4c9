"""Colours that colour-blind readers can tell apart, and one look for all figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Okabe and Ito's palette (jfly.uni-koeln.de/color), its yellow darkened to stand on white; then Tol's muted set.
CATEGORIES = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A7A00", "#332288", "#882255", "#44AA99",
    "#999933", "#AA4499", "#117733", "#661100", "#6699CC", "#888888",
)  # fmt: skip
KINDS = {"model": "#0072B2", "control": "#B5548A", "reference": "#009E73", "baseline": "#444444"}
KIND_SYMBOLS = {"model": "circle", "control": "diamond-open", "baseline": "line-ns-open", "reference": "square"}
POSITIVE, NEGATIVE, INK, MUTED, GRID = "#0072B2", "#D55E00", "#1f2933", "#6b7785", "#e6eaee"
SEQUENTIAL = "Viridis"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def colours(names: list[str]) -> dict[str, str]:
    """One colour a name, in the order given; after the last colour they begin again."""
    return {name: CATEGORIES[i % len(CATEGORIES)] for i, name in enumerate(names)}


def styled(figure: go.Figure, height: int) -> go.Figure:
    """The figure with the page's font, grid and margins; the figure given stays as it was."""
    import plotly.graph_objects as go

    figure = go.Figure(figure)
    figure.update_layout(
        template=None,
        height=height,
        font={"family": _FONT, "size": 13, "color": INK},
        paper_bgcolor="white",
        plot_bgcolor="white",
        colorway=list(CATEGORIES),
        hoverlabel={"font": {"family": _FONT, "size": 12}},
    )
    margin = {"l": 60, "r": 20, "t": 58, "b": 52} | (figure.layout.margin.to_plotly_json() or {})
    figure.update_layout(margin=margin)
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        axis.update(automargin=True, zeroline=False, linecolor="#c3cbd3", ticks="outside", tickcolor="#c3cbd3")
        if axis.type != "log":
            axis.update(exponentformat="none", separatethousands=True)
        if axis.gridcolor is None:
            axis.gridcolor = GRID
    for annotation in figure.layout.annotations:
        if annotation.font.size is None:
            annotation.font.size = 13
    return figure
