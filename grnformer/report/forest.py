"""Forest plots of benchmark summaries: every arm with its interval, baselines as lines, controls marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grnformer.bench.grn_accuracy.evaluate import wrong_tf_name
from grnformer.bench.metrics import METRICS
from grnformer.report.style import INK, KIND_SYMBOLS, KINDS, MUTED

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

CHANCE = {
    "auprc_ratio": 1.0,
    "early_precision_ratio": 1.0,
    "pooled_auprc_ratio": 1.0,
    "auprc_ratio_over_wrong_tf": 0.0,
    "early_precision_ratio_over_wrong_tf": 0.0,
    "double_centred_pearson": 0.0,
    "per_drug_pearson": 0.0,
    "pooled_pearson": 0.0,
}
_MEMBERS_SHOWN = 10  # up to so many seeds stand as single dots; TFs and drugs would only blur the row


def metric_name(metric: str) -> str:
    """A metric's name as people write it."""
    name = (
        metric.replace("_", " ")
        .replace("double centred", "double-centred")
        .replace("auprc", "AUPRC")
        .replace("rmse", "RMSE")
        .replace("pearson", "Pearson r")
    )
    return name.replace("over wrong tf", "over wrong TF")


def unit_name(unit: str, number: int) -> str:
    """Number and unit of members, e.g. ``12 TFs``."""
    return f"{number:,} {'TF' if unit == 'tf' else unit}{'' if number == 1 else 's'}"


def plot_forest(summary: pd.DataFrame, scores: pd.DataFrame, title: str) -> go.Figure:
    """Forest plot of one task and metric; an arm's wrong-TF control stands on its row, a little lower.

    Parameters
    ----------
    summary, scores
        Rows of one benchmark, task and metric, by the contracts ``summary`` and ``scores``.
    """
    import plotly.graph_objects as go

    places = place_rows(summary)
    metric = str(summary["metric"].iloc[0])
    drawn = order_arms(summary).dropna(subset=["estimate"])
    figure = go.Figure()
    few = summary.loc[summary["members"].between(2, _MEMBERS_SHOWN), "arm"]
    single = scores[scores["arm"].isin(few)].dropna(subset=["value"])
    if len(single):
        figure.add_scatter(
            x=single["value"], y=single["arm"].map(places), mode="markers", showlegend=False, hoverinfo="x",
            marker={"color": "#aab4be", "size": 5},
        )  # fmt: skip
    for kind, part in drawn.groupby("kind", sort=False):
        errors = {
            "type": "data",
            "symmetric": False,
            "array": (part["high"] - part["estimate"]).fillna(0).clip(lower=0),
            "arrayminus": (part["estimate"] - part["low"]).fillna(0).clip(lower=0),
            "thickness": 1.6,
            "width": 3,
        }
        hover = [
            f"{r.arm}: {r.estimate:.3g} [{r.low:.3g}, {r.high:.3g}]<br>{unit_name(r.unit, r.members)}, {r.failed} "
            f"failed, n {r.n:,}"
            for r in part.itertuples()
        ]
        marker = {"color": KINDS[str(kind)], "size": 9, "symbol": KIND_SYMBOLS[str(kind)], "line": {"width": 2}}
        figure.add_scatter(
            x=part["estimate"], y=part["arm"].map(places), mode="markers", name=str(kind), error_x=errors,
            marker=marker,            hovertext=hover, hoverinfo="text",
        )  # fmt: skip
    if metric in CHANCE:
        figure.add_vline(x=CHANCE[metric], line={"color": "#9aa5b1", "dash": "dot", "width": 1.4})
    baselines = drawn[drawn["kind"] == "baseline"]
    if len(baselines):
        best = baselines["estimate"].max() if METRICS[metric].better == "higher" else baselines["estimate"].min()
        figure.add_vline(x=best, line={"color": INK, "dash": "dash", "width": 1.4})
    rows = [arm for arm, place in places.items() if place == round(place)]
    figure.update_yaxes(
        tickvals=[places[arm] for arm in rows],
        ticktext=[arm.replace("_", " ") for arm in rows],
        range=[len(rows) - 0.4, -0.6],
    )
    lower = " (lower is better)" if METRICS[metric].better == "lower" else ""
    figure.update_xaxes(title=metric_name(metric) + lower)
    figure.update_layout(
        title={
            "text": title,
            "font": {"size": 14, "color": INK},
            "x": 0.01,
            "xref": "container",
            "y": 0.985,
            "yanchor": "top",
        },
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "font": {"color": MUTED, "size": 11}},
        margin={"t": 72},
    )
    return figure


def place_rows(summary: pd.DataFrame) -> dict[str, float]:
    """Vertical place of each arm: whole numbers from the top; a wrong-TF control a third of a row below its arm."""
    arms = order_arms(summary)["arm"].tolist()
    owners = {wrong_tf_name(arm): arm for arm in arms}
    rows = [arm for arm in arms if owners.get(arm) not in arms]
    places = {arm: float(i) for i, arm in enumerate(rows)}
    return places | {arm: places[owners[arm]] + 0.34 for arm in arms if arm not in places}


def order_arms(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows by kind (model, control, reference, baseline) better estimates first; undefined ones last in a kind."""
    better = summary["metric"].map(lambda m: 1.0 if METRICS[m].better == "higher" else -1.0)
    keys = summary.assign(_kind=summary["kind"].map(list(KINDS).index), _value=-better * summary["estimate"])
    return keys.sort_values(["_kind", "_value", "arm"], na_position="last")[list(summary.columns)]


def forest_height(summary: pd.DataFrame) -> int:
    """Pixels that the rows of one task and metric need."""
    places = place_rows(summary)
    rows = 1 + int(max(places.values()))
    return 150 + rows * (26 if len(places) == rows else 34)
