"""From scores to a summary: estimates with intervals, failures counted, the baseline beside every arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.bench.metrics import METRICS
from grnformer.core import contracts
from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

LEAST_FOR_MEDIAN = 6  # members; of fewer, all agree in sign by chance more often than in one of twenty cases
_CONFIDENCE = 0.95


def summarise_scores(scores: pd.DataFrame, *, n_resamples: int, seed: int) -> pd.DataFrame:
    """Sum up scores over their members, with 95% intervals and the distance to the best baseline.

    Means get Student's t interval: members are few (folds, seeds), and with three of them a percentile bootstrap
    excludes the truth by chance in one of four cases. Medians of six members or more get a percentile bootstrap,
    over clusters of members where the scores name them (a TF measured in two lines is drawn with both).

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
    Table by contract ``summary``. The estimate is the mean or median over members, as ``METRICS`` says. The baseline is
    the best arm of kind ``baseline`` with the same benchmark, task and metric. ``above_baseline`` is the difference of
    the two estimates in the metric's better direction over the members that both have, its interval from these members'
    paired differences (means) or from resampling them together (medians); a baseline with a single member that the arm
    lacks (a baseline without seeds) counts as a constant. Intervals need two members (means) or six (medians) at least
    and are missing otherwise. The best baseline itself has no baseline.

    Raises
    ------
    InputError
        If a metric is not declared in ``METRICS``, or one arm's metric comes in two units.
    """
    import pandas as pd

    unknown = sorted(set(scores["metric"]) - set(METRICS))
    if unknown:
        raise InputError(f"metrics {unknown}", f"declared ones: {sorted(METRICS)}", "declare them in bench/metrics.py")
    rows: list[dict[str, Any]] = []
    for (benchmark, task, metric), group in scores.groupby(["benchmark", "task", "metric"], sort=True):
        arms = {str(arm): part for arm, part in group.groupby("arm", sort=True)}
        head = {"benchmark": benchmark, "task": task, "metric": metric}
        estimates = {arm: _summarise_arm(part, str(metric), n_resamples, seed) for arm, part in arms.items()}
        baseline = _best_baseline(estimates, str(metric))
        for arm, row in estimates.items():
            distance = _no_distance()
            if baseline is not None and arm != baseline:
                distance = _distance(arms[arm], arms[baseline], baseline, str(metric), n_resamples, seed)
            rows.append(head | {"arm": arm} | row | distance)
    return pd.DataFrame(rows, columns=list(contracts.load("summary")["columns"]))


def bootstrap(
    values: np.ndarray, statistic: str, n_resamples: int, seed: int, clusters: np.ndarray | None = None
) -> np.ndarray:
    """Statistic (``mean`` or ``median``) of resampled members.

    Parameters
    ----------
    values
        (members,) or (members, k); the k columns of a member are drawn together, so that they stay paired.
    clusters
        (members,): name of each member's cluster; clusters are drawn, with all their members. None: members are.

    Returns
    -------
    (n_resamples,) or (n_resamples, k).
    """
    rng = np.random.default_rng(seed)
    if clusters is None or len(set(clusters)) == len(clusters):
        drawn = rng.integers(0, len(values), size=(n_resamples, len(values)))
        return _apply(values[drawn], statistic, axis=1)
    _, of_member = np.unique(clusters, return_inverse=True)
    members = [np.flatnonzero(of_member == cluster) for cluster in range(of_member.max() + 1)]
    # clusters differ in size: what a smaller one lacks points at a row of NaN, which the statistic leaves out
    rows = np.full((len(members), max(map(len, members))), len(values))
    for cluster, own in enumerate(members):
        rows[cluster, : len(own)] = own
    padded = np.concatenate([values, np.full((1, *values.shape[1:]), np.nan)])
    drawn = rows[rng.integers(0, len(members), size=(n_resamples, len(members)))].reshape(n_resamples, -1)
    return (np.nanmedian if statistic == "median" else np.nanmean)(padded[drawn], axis=1)


def interval(replicates: np.ndarray) -> tuple[float, float]:
    """Percentile interval (95%) of bootstrap replicates, without the undefined ones."""
    low, high = np.nanquantile(replicates, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return float(low), float(high)


def mean_difference(differences: np.ndarray) -> tuple[float, float, float, int]:
    """Mean of members or paired differences, Student's t 95% interval (NaN for fewer than two), and their number."""
    from scipy import stats

    n = len(differences)
    mean = float(differences.mean())
    if n < 2:
        return mean, np.nan, np.nan, n
    half = float(stats.t.ppf((1 + _CONFIDENCE) / 2, n - 1) * differences.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half, n


def _apply(values: np.ndarray, statistic: str, axis: int) -> np.ndarray:
    return np.median(values, axis=axis) if statistic == "median" else np.mean(values, axis=axis)


def _values(part: pd.DataFrame) -> pd.Series:
    """Defined values by member."""
    return part.set_index("member")["value"].astype(float).dropna().sort_index()


def clusters_of(part: pd.DataFrame, members: pd.Index) -> np.ndarray | None:
    """Cluster of each of these members, the member itself where none is named; None where the scores have none."""
    if "cluster" not in part:
        return None
    named = part.set_index("member")["cluster"].reindex(members)
    return named.where(named.notna(), members.to_series()).to_numpy(dtype=str)


def _summarise_arm(part: pd.DataFrame, metric: str, n_resamples: int, seed: int) -> dict[str, Any]:
    units, kinds = sorted(set(part["unit"])), sorted(set(part["kind"]))
    if len(units) > 1 or len(kinds) > 1:
        raise InputError(
            f"arm {part['arm'].iloc[0]!r}, metric {metric!r} with the units {units} and the kinds {kinds}",
            "one unit and one kind an arm and metric",
            "give the metric of the other unit a name of its own",
        )
    defined = _values(part)
    values = defined.to_numpy()
    statistic = METRICS[metric].statistic
    estimate = float(_apply(values, statistic, axis=0)) if len(values) else np.nan
    low, high = np.nan, np.nan
    if len(values) > 1 and statistic == "mean":
        _, low, high, _ = mean_difference(values)
    elif len(values) >= LEAST_FOR_MEDIAN:
        low, high = interval(bootstrap(values, statistic, n_resamples, seed, clusters_of(part, defined.index)))
    return {
        "kind": kinds[0],
        "estimate": estimate,
        "low": low,
        "high": high,
        "unit": units[0],
        "members": len(values),
        "failed": int(len(part) - len(values)),
        "n": int(part["n"].median()),
    }


def _best_baseline(estimates: dict[str, dict[str, Any]], metric: str) -> str | None:
    sign = _sign(metric)
    baselines = {arm: sign * row["estimate"] for arm, row in estimates.items() if row["kind"] == "baseline"}
    defined = {arm: value for arm, value in baselines.items() if not np.isnan(value)}
    return max(sorted(defined), key=lambda arm: defined[arm]) if defined else None


def _sign(metric: str) -> float:
    return 1.0 if METRICS[metric].better == "higher" else -1.0


def _no_distance() -> dict[str, Any]:
    return {"baseline": None, "above_baseline": np.nan, "above_baseline_low": np.nan, "above_baseline_high": np.nan}


def _distance(
    part: pd.DataFrame, baseline_part: pd.DataFrame, baseline: str, metric: str, n_resamples: int, seed: int
) -> dict[str, Any]:
    arm_values, baseline_values = _values(part), _values(baseline_part)
    row = _no_distance() | {"baseline": baseline}
    same_unit = part["unit"].iloc[0] == baseline_part["unit"].iloc[0]
    shared = arm_values.index.intersection(baseline_values.index) if same_unit else arm_values.index[:0]
    members = shared if len(shared) else arm_values.index
    if len(shared):
        both = np.column_stack([arm_values[shared], baseline_values[shared]])
    elif len(baseline_values) == 1 and len(arm_values):
        both = np.column_stack([arm_values, np.full(len(arm_values), baseline_values.iloc[0])])
    else:
        return row
    statistic, sign = METRICS[metric].statistic, _sign(metric)
    estimates = _apply(both, statistic, axis=0)
    row["above_baseline"] = float(sign * (estimates[0] - estimates[1]))
    if len(both) > 1 and statistic == "mean":
        _, row["above_baseline_low"], row["above_baseline_high"], _ = mean_difference(sign * (both[:, 0] - both[:, 1]))
    elif len(both) >= LEAST_FOR_MEDIAN:
        replicates = bootstrap(both, statistic, n_resamples, seed, clusters_of(part, members))
        row["above_baseline_low"], row["above_baseline_high"] = interval(sign * (replicates[:, 0] - replicates[:, 1]))
    return row
