"""Figures of a benchmark: paired differences, and a forest plot of each task."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.grn_accuracy.evaluate import WRONG_TF
from grnformer.bench.metrics import METRICS
from grnformer.report.figures.differences import differences_height, plot_differences
from grnformer.report.figures.forest import forest_height, plot_forest, span_of
from grnformer.report.page import Block, Figure
from grnformer.report.text import capitalise, format_count, format_range

_BEST = "best baseline"
_MOST_TASKS = 6  # drawn of a metric: the others are in the tables


def difference_blocks(
    benchmark: str, arms: list[str], primary: pd.DataFrame, palette: dict[str, str]
) -> list[Block]:
    """Paired differences of the arms that are judged in words, by the primary metric."""
    drawn = primary[primary["arm"].isin(arms)].dropna(subset=["difference"])
    # the best baseline differs between tasks: one row for all of them
    of_baseline = drawn["role"] == "baseline"
    drawn = drawn.assign(against=drawn["against"].mask(of_baseline, _BEST))
    tasks = drawn["task"].drop_duplicates()
    if drawn.empty:
        return []
    left_out = len(tasks) - _MOST_TASKS
    drawn = drawn[drawn["task"].isin(tasks.head(_MOST_TASKS))]
    drawn = drawn.sort_values(
        "arm", kind="stable", key=lambda arm: arm.map(arms.index)
    ).sort_values("task", kind="stable", key=lambda task: task.map(list(tasks).index))
    metric = METRICS[str(drawn["metric"].iloc[0])]
    more = f" {left_out} further tasks are in the table." if left_out > 0 else ""
    return [
        Figure(
            f"{benchmark}-differences",
            plot_differences(drawn, palette, ""),
            f"By how much each judged arm is better than its controls and the best baseline of the task "
            f"({metric.title}): paired differences {_of_intervals(drawn)}. Right of 0: the arm is better. "
            f"Filled: the interval leaves out 0.{more}",
            differences_height(drawn),
            title=f"Paired differences in {metric.title} (right of 0: the arm is better)",
        )
    ]


def forest_blocks(
    benchmark: str,
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    palette: dict[str, str],
) -> list[Block]:
    """Forest plots of one metric, one a task, all of the same height and with the same range of values."""
    name = str(summary["metric"].iloc[0])
    metric = METRICS[name]
    every = dict(list(summary.groupby("task", sort=False)))
    parts = dict(list(every.items())[:_MOST_TASKS])
    left_out = len(every) - len(parts)
    # Forests of one metric stand side by side.
    height = max(map(forest_height, parts.values()))
    span = span_of(pd.concat(list(parts.values())))

    blocks: list[Block] = []
    for task, part in parts.items():
        if part["estimate"].isna().all():
            continue
        figure = plot_forest(part, scores[scores["task"] == task], span, palette)
        caption = (
            f"{capitalise(metric.about)}. Task {task}. Points: {_say_points(part)}; dashed line: best baseline; "
            "dotted line: chance."
        )
        if part["arm"].str.contains(WRONG_TF, regex=False).any():
            caption += " Below each arm: the same scores given to the wrong TF."

        undefined = part.loc[part["estimate"].isna(), "arm"]
        if len(undefined):
            caption += f" Undefined, hence without a row: {', '.join(undefined)}."
        if left_out:
            caption += f" {format_count(left_out, 'further task')}: in the table alone."
        blocks.append(
            Figure(
                f"{benchmark}-{name}-{task}",
                figure,
                caption,
                height,
                wide=len(parts) == 1,
                title=f"{str(task).replace('_', ' ')}: {metric.title}",
            )
        )

    return blocks


def _of_intervals(drawn: pd.DataFrame) -> str:
    """Over how many of what the intervals of differences are."""
    unit = str(drawn["unit"].iloc[0])
    few = drawn["low"].isna().all()
    if unit == "resample":
        over = (
            "without intervals"
            if few
            else "with 95% intervals over resamples of the data"
        )
        return f"of one value an arm, {over}"
    if few:
        number = format_range(drawn["members"], f"paired {unit}")
        return f"over {number} a task, too few for intervals"
    return f"with 95% intervals over {format_range(drawn['members'], f'paired {unit}')} a task"


def _say_points(summary: pd.DataFrame) -> str:
    """What a forest's points and bars are, and of how many members."""
    statistic = METRICS[str(summary["metric"].iloc[0])].statistic
    unit, members = str(summary["unit"].iloc[0]), summary["members"]
    if statistic == "resampled":
        n = format_range(summary["n"].dropna(), "value")
        points = f"values of all data ({n})"
    elif members.max() > 1:
        several = members[members > 1]
        points = f"{statistic} over {format_range(several, unit)}"
    else:
        points = f"one {unit}"
    if summary["low"].isna().all():
        return f"{points}, too few for an interval"
    return f"{points}; bars: 95% interval"
