"""What the comparisons of an arm show, in words."""

from __future__ import annotations

import pandas as pd

from grnformer.bench.intervals import LEAST_FOR
from grnformer.bench.metrics import METRICS
from grnformer.bench.summary import are_too_few, judge
from grnformer.report.page import Note
from grnformer.report.text import (
    format_count,
    format_difference,
    format_range,
    format_rows,
    say_outcome,
)


def describe_verdict(comparisons: pd.DataFrame, what: str) -> Note:
    """Say in words what the comparisons of one arm and metric show: the verdict, and the differences by task."""
    first = comparisons.iloc[0]
    won = (comparisons["outcome"] == "better").groupby(comparisons["task"]).all()
    members = format_range(comparisons["members"], first["unit"])
    text = (
        f"{what}: {first['arm']} {_say_won(won)} ({METRICS[first['metric']].title}; {members} "
        "a task)."
    )
    if are_too_few(comparisons["outcome"].tolist()):
        least = LEAST_FOR[METRICS[first["metric"]].statistic]
        few = say_outcome(
            "too few members", comparisons["members"].max(), first["unit"]
        )
        if first["unit"] != "resample":
            few += f" a task, since an interval takes {least}"
        text = f"{what}: {first['arm']} {few} ({METRICS[first['metric']].title})."
    of_controls = comparisons[comparisons["role"] == "control"].groupby(
        "against", sort=False
    )
    items = [f"Against {name}: {_list_outcomes(rows)}." for name, rows in of_controls]

    of_baselines = comparisons[comparisons["role"] == "baseline"]
    if len(of_baselines):
        items.append(f"Against the best baseline: {_list_outcomes(of_baselines)}.")
    return Note(text, tuple(items), judge(comparisons["outcome"].tolist()))


def _say_won(won: pd.Series) -> str:
    """In words in which tasks an arm is better than all that it is compared with; `won` has a value a task."""
    all_others = "every control and the best baseline"
    if len(won) == 1:
        verb = "beats" if won.all() else "does not beat"
        return f"{verb} {all_others} in {won.index[0]}"
    how_many = "all" if won.all() else f"{won.sum() or 'none'} of"
    return f"beats {all_others} in {how_many} {format_count(len(won), 'task')}"


def _list_outcomes(comparisons: pd.DataFrame) -> str:
    """Tasks and differences by outcome; a baseline is named, for it differs between tasks."""
    comparisons = comparisons.assign(
        shown=comparisons["difference"].map(format_difference)
    )
    template = (
        "{task} {shown} to {against}"
        if "baseline" in set(comparisons["role"])
        else "{task} {shown}"
    )

    pieces = []
    for outcome in (
        "better",
        "worse",
        "no difference shown",
        "too few members",
        "not comparable",
    ):
        rows = comparisons[comparisons["outcome"] == outcome]
        if len(rows):
            said = say_outcome(outcome, rows["members"].max(), rows["unit"].iloc[0])
            pieces.append(f"{said} in {', '.join(format_rows(rows, template))}")

    return ", ".join(pieces)
