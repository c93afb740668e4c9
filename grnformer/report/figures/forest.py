"""Forest plots of benchmark summaries: every arm with its interval, baselines as lines, controls marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from grnformer.bench.grn_accuracy.evaluate import wrong_tf_name
from grnformer.bench.metrics import METRICS
from grnformer.report.figures.arms import bare_arm
from grnformer.report.figures.base import (
    INK,
    MUTED,
    PALE,
    REFERENCE,
    interval_bars,
    legend_above,
)
from grnformer.report.text import format_count, format_rows

# kind of arm, in the order of rows -> colour and symbol
KINDS = {
    "model": ("#0072B2", "circle"),
    "control": ("#D55E00", "diamond-open"),
    "reference": ("#009E73", "square"),
    "baseline": ("#444444", "line-ns-open"),
}
_HOVER = (
    "{arm}: {estimate:.3g} [{low:.3g}, {high:.3g}]<br>{of}, {failed} failed, n {n:,}"
)
# at most as many seeds stand as single dots; TFs and drugs would only blur the row
_MEMBERS_SHOWN = 10


def plot_forest(
    summary: pd.DataFrame,
    scores: pd.DataFrame,
    span: tuple[float, float] | None = None,
    palette: dict[str, str] | None = None,
) -> go.Figure:
    """Forest plot of one task and metric; an arm's wrong-TF control stands on its row, a little lower.

    Parameters
    ----------
    summary, scores
        Rows of one benchmark, task and metric, by the contracts ``summary`` and ``scores``. Arms without an estimate
        have no row.
    span
        Least and greatest value of the axis: the same for forests that are read beside each other.
    palette
        Colour of arms of pretraining; others have that of their kind.
    """
    summary, palette = summary.dropna(subset=["estimate"]), palette or {}
    places = place_rows(summary)
    metric = METRICS[summary["metric"].iloc[0]]
    drawn = order_arms(summary)
    figure = go.Figure()

    # A single member would lie on its own estimate.
    few = summary.loc[summary["members"].between(2, _MEMBERS_SHOWN), "arm"]
    single = scores[scores["arm"].isin(few)].dropna(subset=["value"])

    # A trace without points would still take a place in the legend.
    if len(single):
        figure.add_scatter(
            x=single["value"],
            y=single["arm"].map(places),
            mode="markers",
            showlegend=False,
            hoverinfo="x",
            marker_color=PALE,
            marker_size=5,
        )

    # An arm of pretraining has its own colour in all figures.
    drawn = drawn.assign(
        colour=[
            palette.get(bare_arm(arm), KINDS[kind][0])
            for arm, kind in zip(drawn["arm"], drawn["kind"], strict=True)
        ]
    )
    named = set()
    for (kind, colour), part in drawn.groupby(["kind", "colour"], sort=False):
        symbol = KINDS[str(kind)][1]
        part = part.assign(of=list(map(format_count, part["members"], part["unit"])))

        figure.add_scatter(
            x=part["estimate"],
            y=part["arm"].map(places),
            mode="markers",
            name=str(kind),
            legendgroup=str(kind),
            showlegend=kind not in named,
            hovertext=format_rows(part, _HOVER),
            hoverinfo="text",
            error_x=interval_bars(part, "estimate", thickness=1.6),
            marker_color=colour,
            marker_size=9,
            marker_symbol=symbol,
            marker_line_width=2,
        )
        named.add(kind)

    if metric.chance is not None:
        figure.add_vline(
            x=metric.chance, line_color=REFERENCE, line_dash="dot", line_width=1.4
        )
    # The summary names the best baseline beside every arm that it is compared with.
    for best in drawn.loc[drawn["arm"].isin(summary["baseline"]), "estimate"]:
        figure.add_vline(x=best, line_color=INK, line_dash="dash", line_width=1.4)

    # Controls stand between rows and are named by their arm.
    rows = [arm for arm, place in places.items() if place == round(place)]
    names = [arm.replace("_", " ") for arm in rows]
    figure.update_yaxes(
        tickvals=[places[arm] for arm in rows],
        ticktext=names,
        range=[len(rows) - 0.4, -0.6],
    )
    figure.update_xaxes(
        title=metric.title + (" (lower is better)" if metric.better == "lower" else ""),
        range=span,
    )
    legend = {"legend_font_color": MUTED, "legend_font_size": 11}
    return legend_above(figure, 1.0, margin_t=44, **legend)


def span_of(summary: pd.DataFrame) -> tuple[float, float] | None:
    """Least to greatest end of the intervals of all tasks, with a little room; None where nothing has a value."""
    ends = summary[["estimate", "low", "high"]].to_numpy(float)
    if np.isnan(ends).all():
        return None
    least, most = float(np.nanmin(ends)), float(np.nanmax(ends))
    room = 0.05 * (most - least) or 0.05 * abs(most) or 1.0
    return least - room, most + room


def place_rows(summary: pd.DataFrame) -> dict[str, float]:
    """Vertical place of each arm: whole numbers from the top; a wrong-TF control a third of a row below its arm."""
    arms = order_arms(summary)["arm"].tolist()
    # A control whose arm is missing has a row to itself.
    controlled = {wrong_tf_name(arm): arm for arm in arms}
    rows = [arm for arm in arms if controlled.get(arm) not in arms]
    places = {arm: float(i) for i, arm in enumerate(rows)}

    return places | {
        arm: places[controlled[arm]] + 0.34 for arm in arms if arm not in places
    }


def order_arms(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows by kind (model, control, reference, baseline), the better estimate first, undefined ones last in a kind."""
    sign = summary["metric"].map(lambda metric: METRICS[metric].sign)
    # By sign: the better estimate comes first, whether that is more or less.
    keys = summary.assign(
        _kind=summary["kind"].map(list(KINDS).index), _value=-sign * summary["estimate"]
    )
    order = keys.sort_values(["_kind", "_value", "arm"], na_position="last").index
    return summary.loc[order]


def forest_height(summary: pd.DataFrame) -> int:
    """Pixels that the rows of one task and metric need."""
    places = place_rows(summary.dropna(subset=["estimate"]))
    rows = 1 + int(max(places.values(), default=0))
    # Rows that hold an arm and its control need more room.
    return 124 + rows * (26 if len(places) == rows else 34)
