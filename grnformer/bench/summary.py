"""From scores to what can be said: estimates, the best baseline, paired differences, verdicts.

This is the one definition of each; the report and the analysis of attention read it here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from grnformer.bench.intervals import ALL, UNDEFINED, Estimate, estimate, estimate_mean
from grnformer.bench.metrics import METRICS, Metric, check_declared
from grnformer.core import contracts
from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["gain", "nothing", "loss"]
COMPARED = [
    "task",
    "metric",
    "arm",
    "against",
    "role",
    "difference",
    "low",
    "high",
    "members",
    "unit",
    "outcome",
]


def summarise_scores(
    scores: pd.DataFrame, *, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Sum up scores over their members, with 95% intervals and the distance to the best baseline.

    Parameters
    ----------
    scores
        Table by contract ``scores``. A missing value is a failure: it is counted, not averaged.
    n_resamples
        Bootstrap resamples of the members, for medians.
    seed
        Seed of the resampling; each row of the result is independent of which other rows there are.

    Returns
    -------
    Table by contract ``summary``. The estimate is the mean or median over members, as ``METRICS`` says;
    ``above_baseline`` is the `paired_difference` to the `best_baseline` of the same benchmark, task and metric. The
    best baseline itself is compared with none.

    Raises
    ------
    InputError
        If a metric is not declared in ``METRICS``, or one arm's metric comes in two units or kinds.
    """
    import pandas as pd

    check_declared(scores["metric"], "scores", "declare it in bench/metrics.py")

    rows = []
    for (benchmark, task, metric), group in scores.groupby(
        ["benchmark", "task", "metric"], sort=True
    ):
        # One baseline for all arms of a group, so that they can be compared.
        best = best_baseline(group)
        for arm, part in group.groupby("arm", sort=True):
            row = {"benchmark": benchmark, "task": task, "arm": arm, "metric": metric}
            row |= _describe(part, n_resamples, seed)
            if best is not None and arm != best:
                above = paired_difference(
                    part, group[group["arm"] == best], n_resamples, seed
                )
                row |= {"baseline": best, "above_baseline": above.value}
                row |= {
                    "above_baseline_low": above.low,
                    "above_baseline_high": above.high,
                }
            rows.append(row)
    return pd.DataFrame(rows, columns=list(contracts.load("summary")["columns"]))


def best_baseline(scores: pd.DataFrame) -> str | None:
    """Baseline with the best mean or median in the scores of one task and metric; None where none has a value."""
    # Best by these very scores, and so flattered by chance: arms gain nothing by it.
    baselines = scores[scores["kind"] == "baseline"].dropna(subset=["value"])
    if baselines.empty:
        return None
    metric = _metric(baselines)
    statistic: str = metric.statistic
    if statistic == "resampled":
        baselines, statistic = baselines[baselines["member"] == ALL], "mean"
    if baselines.empty:
        return None

    # The sign comes first: the largest is the best for losses too.
    estimates = metric.sign * baselines.groupby("arm", sort=True)["value"].agg(
        statistic
    )
    return str(estimates.idxmax())


def paired_difference(
    arm: pd.DataFrame, other: pd.DataFrame, n_resamples: int, seed: int
) -> Estimate:
    """Difference of two arms over the members that both have, in the metric's better direction.

    An arm with one value (a baseline without seeds) counts as a constant where fewer than two members are shared.
    Members of different units are never paired.

    Parameters
    ----------
    arm, other
        Scores of one arm each, of the same benchmark, task and metric.
    """
    metric = _metric(arm)
    left, right = defined_values(arm), defined_values(other)

    # The same folds or TFs are hard for all arms, which pairing takes out.
    members = left.index.intersection(right.index)
    if metric.statistic == "resampled":
        if ALL not in members:
            return UNDEFINED
        # its place says which value is that of all data
        members = members.drop(ALL).insert(0, ALL)
    if set(arm["unit"]) != set(other["unit"]):
        members = members[:0]
    constant = len(members) < 2 and len(right) == 1
    if constant:
        members = left.index

    against = np.full(len(left), right.iloc[0]) if constant else right[members]
    both = np.column_stack([left[members], against])
    return estimate(
        metric.sign * both, metric.statistic, n_resamples, seed, _clusters(arm, members)
    )


def compare_arms(
    scores: pd.DataFrame,
    pairs: list[tuple[str, str]],
    metrics: list[str],
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Compare arms, and each first arm of `pairs` with the best baseline, in every task.

    Parameters
    ----------
    scores
        Rows of one benchmark, by contract ``scores``.
    pairs
        (arm, control); pairs that a task lacks are left out.

    Returns
    -------
    One row a comparison, columns ``COMPARED``; ``role`` is control or baseline.
    """
    import pandas as pd

    judged = list(dict.fromkeys(arm for arm, _ in pairs))
    rows = []
    for task, of_task in scores.groupby("task", sort=False):
        for metric in metrics:
            arms = dict(list(of_task[of_task["metric"] == metric].groupby("arm")))
            best = best_baseline(of_task[of_task["metric"] == metric])
            wanted = [(arm, other, "control") for arm, other in pairs]
            wanted += [(arm, str(best), "baseline") for arm in judged]
            for arm, other, role in wanted:
                # A task may lack either, and an arm may itself be the best baseline.
                if arm in arms and other in arms and arm != other:
                    found = paired_difference(arms[arm], arms[other], n_resamples, seed)
                    unit = arms[arm]["unit"].iloc[0]
                    rows.append(
                        [task, metric, arm, other, role, *found, unit, found.outcome]
                    )
    return pd.DataFrame(rows, columns=COMPARED)


def compare_seeds(
    values: pd.DataFrame, pairs: list[tuple[str, str]], sign: int = 1
) -> pd.DataFrame:
    """Paired differences of columns over the rows (seeds) that both have.

    Parameters
    ----------
    values
        (seeds, arms).
    pairs
        (arm, arm to compare it with); pairs that lack a column are left out.
    sign
        1 where more is better, -1 where less is.
    """
    import pandas as pd

    rows = []
    for arm, other in pairs:
        if arm in values and other in values:
            paired = sign * (values[arm] - values[other]).dropna()
            found = estimate_mean(paired.to_numpy(float))
            rows.append([arm, other, *found, found.outcome])
    return pd.DataFrame(
        rows,
        columns=["arm", "against", "difference", "low", "high", "seeds", "outcome"],
    )


def judge(outcomes: Collection[str]) -> Verdict:
    """Gain: better in all comparisons. Loss: better in none and worse in one at least. Nothing: all else."""
    if set(outcomes) == {"better"}:
        return "gain"
    return "loss" if "better" not in outcomes and "worse" in outcomes else "nothing"


def are_too_few(outcomes: Collection[str]) -> bool:
    """Whether members are too few to judge by: no comparison has an interval, and one at least has members."""
    return "too few members" in outcomes and set(outcomes) <= {
        "too few members",
        "not comparable",
    }


def _metric(scores: pd.DataFrame) -> Metric:
    return METRICS[scores["metric"].iloc[0]]


def defined_values(part: pd.DataFrame) -> pd.Series:
    """Defined values by member; of a resampled metric, that of all data first, and none without it."""
    values = part.set_index("member")["value"].astype(float).dropna().sort_index()
    if _metric(part).statistic != "resampled":
        return values
    if ALL not in values:
        return values[:0]
    return values.loc[[ALL, *values.index.drop(ALL)]]


def _clusters(part: pd.DataFrame, members: pd.Index) -> np.ndarray | None:
    """Cluster of each of these members, the member itself where none is named; None where the scores have none."""
    if "cluster" not in part:
        return None
    named = part.set_index("member")["cluster"].reindex(members)
    return named.where(named.notna(), members.to_series()).to_numpy(dtype=str)


def _describe(part: pd.DataFrame, n_resamples: int, seed: int) -> dict[str, Any]:
    """Estimate and counts of one arm's scores of one metric."""
    units, kinds = sorted(set(part["unit"])), sorted(set(part["kind"]))
    if len(units) > 1 or len(kinds) > 1:
        raise InputError(
            f"arm {part['arm'].iloc[0]!r}, metric {part['metric'].iloc[0]!r} with the units {units} and kinds {kinds}",
            "one unit and one kind an arm and metric",
            "give the metric of the other unit another name",
        )

    values, metric = defined_values(part), _metric(part)
    clusters = _clusters(part, values.index)
    found = estimate(
        values.to_numpy()[:, None], metric.statistic, n_resamples, seed, clusters
    )
    low, high = found.low, found.high
    if metric.fraction:
        low, high = np.clip([low, high], 0.0, 1.0)
    return {
        "kind": kinds[0],
        "estimate": found.value,
        "low": low,
        "high": high,
        "unit": units[0],
        "members": found.members,
        # members whose value is undefined: counted here, in no estimate
        "failed": len(part) - len(values),
        # members differ in the genes or pairs they were scored on
        "n": int(part["n"].median()),
    }
