"""Figures of the attention section: forest of enrichment, attention by degree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grnformer.report.attention_summary import MATCHES
from grnformer.report.style import MUTED, colours

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def plot_enrichment(summary: pd.DataFrame, height: int) -> go.Figure:
    """Forest: one row an arm and cell type, panels by matching; trained, untrained and the null."""
    from plotly.subplots import make_subplots

    arms, types = list(dict.fromkeys(summary["arm"])), list(dict.fromkeys(summary["cell_type"]))
    place = {(a, t): i * (len(types) + 0.7) + j for i, a in enumerate(arms) for j, t in enumerate(types)}
    palette = colours(arms)
    panels = {"none": "all other genes"} | MATCHES
    titles = [f"over {name}".replace(" same ", " same<br>") for name in panels.values()]
    figure = make_subplots(1, len(panels), subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.02)
    for column, match in enumerate(panels, start=1):
        part = summary[summary["matched_on"] == match].dropna(subset=["enrichment"])
        trained = part[(part["state"] == "trained")]
        for row in trained.dropna(subset=["null_low"]).itertuples():
            y = place[row.arm, row.cell_type]
            figure.add_scatter(
                x=[row.null_low, row.null_high], y=[y, y], mode="lines", line={"color": "#d5dbe1", "width": 9},
                showlegend=False, hoverinfo="skip", row=1, col=column,
            )  # fmt: skip
        for state, symbol in (("untrained", "circle-open"), ("trained", "circle")):
            for arm, rows in part[part["state"] == state].groupby("arm", sort=False):
                error = {
                    "type": "data", "symmetric": False, "thickness": 1.5, "width": 3, "color": palette[str(arm)],
                    "array": (rows["high"] - rows["enrichment"]).fillna(0).clip(lower=0),
                    "arrayminus": (rows["enrichment"] - rows["low"]).fillna(0).clip(lower=0),
                }  # fmt: skip
                figure.add_scatter(
                    x=rows["enrichment"], y=[place[arm, t] for t in rows["cell_type"]], mode="markers",
                    name=f"{arm}, {state}", showlegend=column == 1, legendgroup=f"{arm}{state}",
                    marker={"symbol": symbol, "size": 9 if state == "trained" else 7, "color": palette[str(arm)]},
                    error_x=error if state == "trained" else None,
                    hovertext=[f"{arm}, {r.cell_type}, {state}: {r.enrichment:.3f}" for r in rows.itertuples()],
                    hoverinfo="text", row=1, col=column,
                )  # fmt: skip
        figure.add_vline(x=1, line={"color": "#9aa5b1", "dash": "dot", "width": 1.4}, row=1, col=column)
    figure.update_yaxes(
        tickvals=list(place.values()), ticktext=[f"{t} \N{MIDDLE DOT} {a}" for a, t in place],
        range=[max(place.values()) + 0.7, -0.7],
    )  # fmt: skip
    figure.update_xaxes(title="attention, TFs over others")
    legend = {"orientation": "h", "y": -88 / (height - 186), "yanchor": "top", "x": 0, "font": {"color": MUTED}}
    figure.update_layout(legend=legend, margin={"t": 66, "b": 130})
    return figure


def plot_by_degree(table: pd.DataFrame) -> go.Figure:
    """Attention by bin of degree, TFs and others, one panel an arm."""
    from plotly.subplots import make_subplots

    arms = list(dict.fromkeys(table["arm"]))
    figure = make_subplots(1, len(arms), subplot_titles=arms, shared_yaxes=True, horizontal_spacing=0.03)
    bins = list(dict.fromkeys(table.sort_values("bin")["links"]))
    palette = colours(["TFs", "other genes"])
    for column, arm in enumerate(arms, start=1):
        for kind, rows in table[table["arm"] == arm].groupby("kind", sort=False):
            figure.add_scatter(
                x=rows["links"], y=rows["mass"], mode="lines+markers", name=str(kind), legendgroup=str(kind),
                showlegend=column == 1, line={"color": palette[str(kind)]}, marker={"size": 7},
                hovertext=[f"{kind}, {r.links} links: {r.mass:.3f}; {r.genes:,} genes" for r in rows.itertuples()],
                hoverinfo="text", row=1, col=column,
            )  # fmt: skip
        figure.add_hline(y=1, line={"color": "#9aa5b1", "dash": "dot", "width": 1.4}, row=1, col=column)
    figure.update_xaxes(title="links", type="category", categoryorder="array", categoryarray=bins)
    figure.update_yaxes(title="attention received (even: 1)", col=1)
    figure.update_layout(legend={"orientation": "h", "y": 1.1, "yanchor": "bottom", "x": 0}, margin={"t": 84})
    return figure
