"""Forest plots of benchmark summaries: every arm with its interval, floors as lines, controls marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grnformer.bench.metrics import METRICS
from grnformer.report.style import INK, KIND_SYMBOLS, KINDS, MUTED

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

CHANCE = {
    "auprc_ratio": 1.0,
    "early_precision_ratio": 1.0,
    "pooled_auprc_ratio": 1.0,
    "double_centred_pearson": 0.0,
    "per_drug_pearson": 0.0,
    "pooled_pearson": 0.0,
}
_MEMBERS_SHOWN = 10  # up to so many seeds stand as single dots; TFs and drugs would only blur the row


def plot_forest(summary: pd.DataFrame, scores: pd.DataFrame, title: str) -> go.Figure:
    """Forest plot of one task and metric.

    Parameters
    ----------
    summary, scores
        Rows of one benchmark, task and metric, by the contracts ``summary`` and ``scores``.
    """
    import plotly.graph_objects as go

    summary = order_arms(summary)
    metric = str(summary["metric"].iloc[0])
    drawn = summary.dropna(subset=["estimate"])
    figure = go.Figure()
    few = summary.loc[summary["members"].between(2, _MEMBERS_SHOWN), "arm"]
    single = scores[scores["arm"].isin(few)].dropna(subset=["value"])
    if len(single):
        figure.add_scatter(
            x=single["value"], y=single["arm"], mode="markers", name="single members", hoverinfo="x",
            marker={"color": "#aab4be", "size": 5}, text=single["member"],
        )  # fmt: skip
    for kind, part in drawn.groupby("kind", sort=False):
        errors = {
            "type": "data",
            "symmetric": False,
            "array": (part["high"] - part["estimate"]).fillna(0).clip(lower=0),
            "arrayminus": (part["estimate"] - part["low"]).fillna(0).clip(lower=0),
            "thickness": 1.6,
            "width": 4,
        }
        hover = [
            f"{r.arm}: {r.estimate:.3g} [{r.low:.3g}, {r.high:.3g}]<br>{r.members} {r.unit}s, {r.failed} failed, n "
            f"{r.n:,}"
            for r in part.itertuples()
        ]
        marker = {"color": KINDS[str(kind)], "size": 10, "symbol": KIND_SYMBOLS[str(kind)], "line": {"width": 2}}
        figure.add_scatter(
            x=part["estimate"], y=part["arm"], mode="markers", name=str(kind), error_x=errors, marker=marker,
            hovertext=hover, hoverinfo="text",
        )  # fmt: skip
    if metric in CHANCE:
        figure.add_vline(x=CHANCE[metric], line={"color": "#b8c1ca", "dash": "dot", "width": 1.4})
    floors = drawn[drawn["kind"] == "floor"]
    if len(floors):
        best = floors["estimate"].max() if METRICS[metric].better == "higher" else floors["estimate"].min()
        figure.add_vline(x=best, line={"color": INK, "dash": "dash", "width": 1.4})
    figure.update_yaxes(categoryorder="array", categoryarray=summary["arm"].tolist()[::-1], showgrid=True)
    figure.update_xaxes(
        title=metric.replace("_", " ") + (" (lower is better)" if METRICS[metric].better == "lower" else "")
    )
    figure.update_layout(
        title={
            "text": title,
            "font": {"size": 14, "color": INK},
            "x": 0,
            "xref": "paper",
            "y": 0.985,
            "yanchor": "top",
        },
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "font": {"color": MUTED, "size": 12}},
        margin={"t": 64},
    )
    return figure


def order_arms(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows by kind (model, control, reference, floor) and the better estimate first; undefined ones last in a kind."""
    better = summary["metric"].map(lambda m: 1.0 if METRICS[m].better == "higher" else -1.0)
    keys = summary.assign(_kind=summary["kind"].map(list(KINDS).index), _value=-better * summary["estimate"])
    return keys.sort_values(["_kind", "_value", "arm"], na_position="last")[list(summary.columns)]


def forest_height(summary: pd.DataFrame) -> int:
    """Pixels for one row an arm."""
    return 130 + 26 * len(summary)
