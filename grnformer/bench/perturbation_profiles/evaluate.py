"""Metrics of a predicted profile, on cells that no prediction has seen; scaled between baseline and ceiling."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from grnformer.bench.intervals import interval
from grnformer.bench.metrics import METRICS, SCALED
from grnformer.bench.perturbation_profiles.profiles import Screen

BENCHMARK = "perturbation_profiles"
CEILING = "ceiling"
_TOP = 20
# natural logarithms: what rounding leaves of a constant is far below
_CONSTANT = 1e-6
_UNDEFINED_RESAMPLES = 0.025


def score_fold(
    screen: Screen,
    train: np.ndarray,
    test: np.ndarray,
    predicted: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """Score the predictions of tested perturbations.

    Perturbed genes themselves are left out: how far a knock-down reaches its own target is no prediction.

    Parameters
    ----------
    train, test
        Numbers of perturbations.
    predicted
        Arm -> differences from control, (tested, genes).

    Returns
    -------
    pandas.DataFrame
        arm, perturbation, and a column for each of `PROFILE_METRICS`; NaN where a metric is not defined.
    """
    targets, effect = screen.targets, np.abs(screen.effect)
    weight = specificity_weights(np.abs(screen.specificity))
    reference = screen.all.mean[train].mean(axis=0)
    rows = []
    for arm, differences in predicted.items():
        for place, row in enumerate(test):
            kept = ~targets[row]
            top = np.flatnonzero(kept)[np.argsort(-effect[row, kept], kind="stable")]
            found = _measure(
                screen,
                row,
                differences[place],
                kept,
                top[:_TOP],
                weight[row],
                reference,
            )
            rows.append({"arm": arm, "perturbation": screen.perturbations[row]} | found)
    return pd.DataFrame(rows)


def _measure(
    screen: Screen,
    row: int,
    difference: np.ndarray,
    kept: np.ndarray,
    top: np.ndarray,
    weight: np.ndarray,
    reference: np.ndarray,
) -> dict[str, float]:
    truth = screen.truth[row]
    profile, true_profile = screen.control_other + difference, screen.scored.mean[row]
    from_mean, true_from_mean = profile - reference, true_profile - reference
    return {
        "pearson_systema": pearson(from_mean[kept], true_from_mean[kept]),
        "pearson_systema_top20": pearson(from_mean[top], true_from_mean[top]),
        "pearson_control": pearson(difference[kept], truth[kept]),
        "pearson_control_top20": pearson(difference[top], truth[top]),
        "weighted_r2": weighted_r2(from_mean[kept], true_from_mean[kept], weight[kept]),
        "centroid_accuracy": nearer(
            profile[kept], screen.scored.mean[:, kept], row, power=2
        ),
        "discrimination": nearer(difference[kept], screen.truth[:, kept], row, power=1),
        "l2": float(np.linalg.norm((profile - true_profile)[kept])),
    }


def pearson(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Pearson's r; NaN where either is constant but for rounding."""
    if len(truth) < 3:
        return np.nan
    one, other = predicted - predicted.mean(), truth - truth.mean()
    if np.abs(one).max() < _CONSTANT or np.abs(other).max() < _CONSTANT:
        return np.nan
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def specificity_weights(statistic: np.ndarray) -> np.ndarray:
    """Weights of genes by how specific they are to each perturbation; rows add up to 1.

    |t| against all other perturbations, brought to 0 to 1 within a perturbation and squared (Mejia et al. 2025, doi
    10.48550/arXiv.2506.22641).

    Parameters
    ----------
    statistic
        (perturbations, genes), not negative.
    """
    low = statistic.min(axis=1, keepdims=True)
    spread = np.maximum(statistic.max(axis=1, keepdims=True) - low, 1e-12)
    weight = ((statistic - low) / spread) ** 2
    total = weight.sum(axis=1, keepdims=True)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)


def weighted_r2(predicted: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """1 less the weighted squared error over that of the truth's weighted mean; NaN where the truth is constant."""
    if weight.sum() <= 0:
        return np.nan
    centre = np.average(truth, weights=weight)
    spread = float(weight @ (truth - centre) ** 2)
    if spread < _CONSTANT**2:
        return np.nan
    return float(1 - weight @ (truth - predicted) ** 2 / spread)


def nearer(predicted: np.ndarray, truths: np.ndarray, own: int, power: int) -> float:
    """Fraction of the other perturbations that are farther from the prediction than its own is; ties count half.

    With Euclidean distance (power 2) Systema's centroid accuracy, with Manhattan distance (1) the perturbation
    discrimination score of the Virtual Cell Challenge (Roohani et al. 2025, doi 10.1016/j.cell.2025.06.008).
    """
    distance = (np.abs(truths - predicted) ** power).sum(axis=1)
    others = np.delete(distance, own)
    if not len(others):
        return np.nan
    own_distance = distance[own]
    return float(np.mean((others > own_distance) + 0.5 * (others == own_distance)))


def scale_estimates(
    scores: pd.DataFrame, best: Mapping[str, str], n_resamples: int, seed: int
) -> pd.DataFrame:
    """Where each arm stands between the best baseline (0) and the ceiling (1).

    Parameters
    ----------
    scores
        Rows of one task, by contract ``scores``, members being perturbations.
    best
        Metric -> its best baseline.
    n_resamples, seed
        Of the bootstrap over perturbations, the same ones for all arms.

    Returns
    -------
    pandas.DataFrame
        arm, kind, metric (``scaled_...``), estimate, low, high, members, failed, n. NaN where the ceiling is no better
        than the best baseline: then these cells cannot tell arms apart; without an interval where that is so in more
        than 2.5% of the resamples.
    """
    rows = []
    for scaled, metric in SCALED.items():
        group = scores[scores["metric"] == metric]
        if metric not in best or CEILING not in set(group["arm"]):
            continue
        wide = group.pivot_table(
            index="member", columns="arm", values="value", dropna=False
        )
        kinds = group.groupby("arm")["kind"].first()
        sign = METRICS[metric].sign
        for arm in wide:
            # the same perturbations for all arms: where one fails, it has no place on the scale
            defined = wide[[best[metric], CEILING]].notna().all(axis=1)
            paired = wide.loc[defined, [arm, best[metric], CEILING]]
            value, low, high = _scaled(paired.to_numpy(), sign, n_resamples, seed)
            rows.append(
                {
                    "arm": arm,
                    "kind": kinds[arm],
                    "metric": scaled,
                    "estimate": value,
                    "low": low,
                    "high": high,
                    "members": int(wide[arm].notna().sum()),
                    "failed": int(wide[arm].isna().sum()),
                    "n": int(group["n"].median()),
                }
            )
    return pd.DataFrame(rows)


def _scaled(
    values: np.ndarray, sign: int, n_resamples: int, seed: int
) -> tuple[float, float, float]:
    """Estimate and interval of (arm - baseline) / (ceiling - baseline) over rows (arm, baseline, ceiling)."""
    if not len(values):
        return np.nan, np.nan, np.nan
    found = float(_ratio(values.mean(axis=0), sign))
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(values), size=(n_resamples, len(values)))
    ratios = _ratio(values[drawn].mean(axis=1), sign)
    undefined = float(np.isnan(ratios).mean())
    if np.isnan(found) or undefined > _UNDEFINED_RESAMPLES or len(values) < 3:
        return found, np.nan, np.nan
    low, high = interval(ratios[~np.isnan(ratios)])
    return found, float(low), float(high)


def _ratio(means: np.ndarray, sign: int) -> np.ndarray:
    arm, baseline, ceiling = np.moveaxis(means, -1, 0)
    room = ceiling - baseline
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sign * room > 0, (arm - baseline) / room, np.nan)
