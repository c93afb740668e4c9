"""Does the graph arm beat its controls and the best baseline? Paired differences, and the sentence they allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from grnformer.bench.metrics import METRICS
from grnformer.bench.summary import LEAST_FOR_MEDIAN, bootstrap, clusters_of, interval, mean_difference
from grnformer.report.forest import metric_name, unit_name
from grnformer.report.page import MINUS, Note

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["gain", "nothing", "loss"]
Outcome = Literal["better", "worse", "no difference shown", "too few members", "not comparable"]
COLUMNS = ["task", "metric", "arm", "against", "role", "difference", "low", "high", "members", "unit", "outcome"]


def paired_difference(
    scores: pd.DataFrame, arm: str, other: str, metric: str, n_resamples: int, seed: int
) -> tuple[float, float, float, int]:
    """Difference of two arms over the members both have, in the metric's better direction, with its 95% interval.

    Means get Student's t interval of the paired differences: with three seeds a bootstrap excludes zero by chance
    in one of four cases. Medians get a percentile bootstrap over members, drawn together, from six members on: with
    fewer, members that all agree in sign are nothing rare (2 / 2^5 = .06 for five). An arm with one member
    against an arm with several (a baseline without seeds) counts as a constant.

    Parameters
    ----------
    scores
        Rows of one benchmark and task, by contract ``scores``.

    Returns
    -------
    Difference, lower and upper end (NaN where there are too few members), members used.
    """
    values = {name: _values(scores, name, metric) for name in (arm, other)}
    shared = values[arm].index.intersection(values[other].index)
    if len(shared) < 2 and len(values[other]) == 1 and len(values[arm]):
        both = np.column_stack([values[arm], np.full(len(values[arm]), values[other].iloc[0])])
    else:
        both = np.column_stack([values[arm][shared], values[other][shared]])
    if len(both) == 0:
        return np.nan, np.nan, np.nan, 0
    sign = 1.0 if METRICS[metric].better == "higher" else -1.0
    if METRICS[metric].statistic == "mean":
        return mean_difference(sign * (both[:, 0] - both[:, 1]))
    medians = np.median(both, axis=0)
    low, high = np.nan, np.nan
    if len(both) >= LEAST_FOR_MEDIAN:
        members = shared if len(both) == len(shared) else values[arm].index
        rows = scores[(scores["arm"] == arm) & (scores["metric"] == metric)]
        replicates = bootstrap(both, "median", n_resamples, seed, clusters_of(rows, members))
        low, high = interval(sign * (replicates[:, 0] - replicates[:, 1]))
    return float(sign * (medians[0] - medians[1])), low, high, len(both)


def classify(difference: float, low: float, high: float) -> Outcome:
    """What an interval allows to say about a difference."""
    if np.isnan(difference):
        return "not comparable"
    if np.isnan(low):
        return "too few members"
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "no difference shown"


def compare_arms(
    scores: pd.DataFrame, pairs: list[tuple[str, str]], metrics: list[str], n_resamples: int, seed: int
) -> pd.DataFrame:
    """Compare arms, and each first arm of `pairs` with the best baseline, in every task.

    Parameters
    ----------
    scores
        Rows of one benchmark, by contract ``scores``.
    pairs
        (arm, arm it is held against); pairs that a task lacks are left out.

    Returns
    -------
    One row a comparison, columns ``COLUMNS``; ``role`` is control or baseline.
    """
    import pandas as pd

    rows = []
    for task, part in scores.groupby("task", sort=False):
        for metric in metrics:
            present = set(part.loc[part["metric"] == metric, "arm"])
            baseline = best_baseline(part, metric)
            wanted = [(arm, other, "control") for arm, other in pairs]
            wanted += [(arm, baseline, "baseline") for arm in dict.fromkeys(arm for arm, _ in pairs) if baseline]
            for arm, other, role in wanted:
                if arm not in present or other not in present or arm == other:
                    continue
                difference, low, high, members = paired_difference(part, arm, str(other), metric, n_resamples, seed)
                unit = part.loc[(part["metric"] == metric) & (part["arm"] == arm), "unit"].iloc[0]
                outcome = classify(difference, low, high)
                rows.append([task, metric, arm, other, role, difference, low, high, members, unit, outcome])
    return pd.DataFrame(rows, columns=COLUMNS)


def best_baseline(scores: pd.DataFrame, metric: str) -> str | None:
    """Baseline with the best mean or median of `metric` in one task's scores, or None."""
    baselines = scores[(scores["kind"] == "baseline") & (scores["metric"] == metric)].dropna(subset=["value"])
    if baselines.empty:
        return None
    estimates = baselines.groupby("arm")["value"].agg(METRICS[metric].statistic)
    return str(estimates.idxmax() if METRICS[metric].better == "higher" else estimates.idxmin())


def judge(comparisons: pd.DataFrame, arm: str, metric: str, what: str) -> Note:
    """Say in words what the comparisons of one arm and metric show.

    Returns
    -------
    A note of kind ``gain`` (better than every opponent in every task), ``loss`` (better nowhere, worse somewhere) or
    ``nothing`` (all else); its items name the tasks and differences.
    """
    rows = comparisons[(comparisons["arm"] == arm) & (comparisons["metric"] == metric)]
    if rows.empty:
        return Note(f"{what}: {arm} could not be compared with anything.", kind="nothing")
    tasks = list(dict.fromkeys(rows["task"]))
    won = [t for t in tasks if (rows.loc[rows["task"] == t, "outcome"] == "better").all()]
    items = []
    for role, group in rows.groupby("role", sort=False):
        parts = group.groupby("against", sort=False) if role == "control" else [("the best baseline", group)]
        items += [f"Against {name}: {_spread(part, role == 'baseline')}." for name, part in parts]
    least, most = rows["members"].min(), rows["members"].max()
    number = unit_name(str(rows["unit"].iloc[0]), int(most))
    text = (
        f"{what}: {arm} is better than every control and the best baseline in {len(won)} of {len(tasks)} "
        f"{'task' if len(tasks) == 1 else 'tasks'} ({metric_name(metric)}; better: 95% interval of the paired "
        f"difference above 0; {number if least == most else f'{least} to {number}'} a task)."
    )
    outcomes = set(rows["outcome"])
    kind: Kind = "nothing"
    if len(won) == len(tasks):
        kind = "gain"
    elif "better" not in outcomes and "worse" in outcomes:
        kind = "loss"
    return Note(text, tuple(items), kind)


def capital(text: str) -> str:
    """Text with its first letter as a capital, the rest as it is."""
    return text[:1].upper() + text[1:]


def signed(value: float) -> str:
    """A difference with its sign and three decimals."""
    return "undefined" if np.isnan(value) else f"{value:+.3f}".replace("-", MINUS)


def _spread(part: pd.DataFrame, name_baseline: bool) -> str:
    pieces = []
    for outcome in ("better", "worse", "no difference shown", "too few members", "not comparable"):
        rows = part[part["outcome"] == outcome]
        if len(rows):
            shown = [
                f"{row.task} {signed(row.difference)}" + (f" to {row.against}" if name_baseline else "")
                for row in rows.itertuples()
            ]
            pieces.append(f"{outcome} in {', '.join(shown)}")
    return ", ".join(pieces)


def _values(scores: pd.DataFrame, arm: str, metric: str) -> pd.Series:
    part = scores[(scores["arm"] == arm) & (scores["metric"] == metric)]
    return part.set_index("member")["value"].astype(float).dropna().sort_index()
