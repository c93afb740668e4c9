"""Paired differences with their intervals: what is compared, not the values that are nearly equal."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from grnformer.report.figures.arms import bare_arm
from grnformer.report.figures.base import (
    INK,
    MUTED,
    POSITIVE,
    REFERENCE,
    interval_bars,
    panels,
)
from grnformer.report.text import format_rows

_MOST_COLUMNS = 3
_HOVER = "{arm} less {against}: {difference:+.3g} [{low:.3g}, {high:.3g}]<br>{outcome}"


def plot_differences(
    compared: pd.DataFrame, palette: dict[str, str], title: str
) -> go.Figure:
    """A row a pair (arm, what it is compared with), a panel a task, one range of x for all.

    Parameters
    ----------
    compared
        Columns task, arm, against, difference, low, high, outcome; positive where the arm is better.
    palette
        Colour of arms of pretraining; others are blue.
    title
        Of the axis of a single panel; those of several would run into each other.
    """
    tasks = list(dict.fromkeys(compared["task"].astype(str)))
    columns = _columns(len(tasks))
    rows = _rows(compared)
    titles = [task.replace("_", " ") for task in tasks] if len(tasks) > 1 else [""]
    lines = -(-len(tasks) // columns)
    figure, places = panels(
        titles,
        columns,
        shared_yaxes=True,
        shared_xaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=min(0.25, 64 / (lines * (len(rows) * 22 + 60))),
    )

    for task, place in zip(tasks, places, strict=True):
        part = compared[compared["task"].astype(str) == task]
        # no interval: too few members, and so nothing shown
        shown = part["outcome"].isin(["better", "worse"])
        colours = [palette.get(bare_arm(str(arm)), POSITIVE) for arm in part["arm"]]
        figure.add_vline(x=0, line_color=REFERENCE, line_width=1.4, **place)
        figure.add_scatter(
            x=part["difference"],
            y=[rows[pair] for pair in zip(part["arm"], part["against"], strict=True)],
            mode="markers",
            showlegend=False,
            hoverinfo="text",
            hovertext=format_rows(part, _HOVER),
            error_x=interval_bars(part, "difference", thickness=1.6, color=MUTED),
            marker_size=9,
            marker_color=[
                colour if one else "white"
                for colour, one in zip(colours, shown, strict=True)
            ],
            marker_line_width=2,
            marker_line_color=colours,
            **place,
        )

    low, high = _range(compared)
    figure.update_xaxes(range=[low, high], showticklabels=True)
    if title:
        figure.update_xaxes(title=title)
    figure.update_yaxes(
        tickvals=list(rows.values()),
        ticktext=[
            f"{_name(arm)} \N{MINUS SIGN} {_name(_control(arm, other))}"
            for arm, other in rows
        ],
        range=[len(rows) - 0.5, -0.5],
        tickfont_color=INK,
    )
    return figure.update_layout(margin_t=28 if titles == [""] else 44)


def differences_height(compared: pd.DataFrame) -> int:
    """Pixels that the rows of all panels need."""
    tasks = compared["task"].nunique()
    lines = -(-tasks // _columns(tasks))
    return 60 + lines * (60 + 22 * len(_rows(compared)))


def _columns(tasks: int) -> int:
    """Panels beside each other: no row has one alone, where that can be."""
    lines = -(-tasks // _MOST_COLUMNS)
    return -(-tasks // lines)


def _rows(compared: pd.DataFrame) -> dict[tuple[str, str], float]:
    pairs = zip(compared["arm"], compared["against"], strict=True)
    return {pair: float(place) for place, pair in enumerate(dict.fromkeys(pairs))}


def _range(compared: pd.DataFrame) -> tuple[float, float]:
    """Least to greatest end of an interval, 0 within, and a little room."""
    values = compared[["difference", "low", "high"]].to_numpy(float)
    least, most = (
        min(0.0, float(pd.Series(values.ravel()).min())),
        max(0.0, float(pd.Series(values.ravel()).max())),
    )
    room = 0.06 * (most - least) or 1.0
    return least - room, most + room


def _control(arm: str, other: str) -> str:
    """A control without the name of its arm, e.g. ``wrong TF`` of ``eregulon (wrong TF)``."""
    own = other.startswith(f"{arm} (")
    return other.removeprefix(arm).strip(" ()") if own else other


def _name(arm: str) -> str:
    return str(arm).replace("_", " ")
