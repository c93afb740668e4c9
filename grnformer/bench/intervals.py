"""Estimates with 95% intervals over members: Student's t for means, percentile bootstrap for medians."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

Statistic = Literal["mean", "median", "resampled"]
ALL = "all"  # member of a resampled metric: the value of all data
Outcome = Literal[
    "better", "worse", "no difference shown", "too few members", "not comparable"
]

# of fewer members, all agree in sign by chance more often than in one of twenty cases
LEAST_FOR_MEDIAN = 6
# of two members, an SD is hardly known: two that agree by chance would make any difference sure
LEAST_FOR_MEAN = 3
# held-out cells of a type: the mean of fewer is that of single cells
LEAST_CELLS = 10
#: statistic -> least members for an interval
LEAST_FOR: dict[Statistic, int] = {
    "mean": LEAST_FOR_MEAN,
    "median": LEAST_FOR_MEDIAN,
    "resampled": 100,
}
_CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """Mean or median over members with its 95% interval; NaN where members are too few for one."""

    value: float
    low: float
    high: float
    members: int

    @property
    def outcome(self) -> Outcome:
        """What the interval of a difference allows to say of it."""
        if np.isnan(self.value):
            return "not comparable"
        if np.isnan(self.low):
            return "too few members"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no difference shown"


UNDEFINED = Estimate(np.nan, np.nan, np.nan, 0)


def estimate_mean(values: np.ndarray) -> Estimate:
    """Mean of members (n,), or of their paired differences, with Student's t interval (NaN below `LEAST_FOR_MEAN`)."""
    from scipy import stats

    n = len(values)
    if n == 0:
        return UNDEFINED
    mean = float(values.mean())
    if n < LEAST_FOR_MEAN:
        return Estimate(mean, np.nan, np.nan, n)

    # Few members: their SD is itself uncertain, for which a normal would not allow.
    quantile = stats.t.ppf((1 + _CONFIDENCE) / 2, n - 1)
    half = float(quantile * values.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n)


def estimate(
    values: np.ndarray,
    statistic: Statistic,
    n_resamples: int,
    seed: int,
    clusters: np.ndarray | None = None,
) -> Estimate:
    """Estimate of one arm, or the difference of two arms on the same members.

    Members are few (folds, seeds): with three of them a percentile bootstrap excludes the truth in one of four cases,
    so that means get Student's t interval. Medians get a percentile bootstrap from `LEAST_FOR_MEDIAN` members on. Of a
    resampled metric, the first member is the value of all data and the others are its replicates.

    Parameters
    ----------
    values
        (members, 1), or (members, 2): the second column is subtracted from the first.
    n_resamples, seed, clusters
        Of `bootstrap`.
    """
    if len(values) == 0:
        return UNDEFINED

    # One column: the value itself. Two: the first less the second.
    contrast = np.array([1.0, -1.0])[: values.shape[1]]
    if statistic == "mean":
        return estimate_mean(values @ contrast)

    if statistic == "resampled":
        differences = values @ contrast
        low, high = np.nan, np.nan
        if len(differences) > LEAST_FOR[statistic]:
            low, high = interval(differences[1:])
        return Estimate(float(differences[0]), low, high, len(differences) - 1)

    low, high = np.nan, np.nan
    if len(values) >= LEAST_FOR_MEDIAN:
        low, high = interval(
            bootstrap(values, statistic, n_resamples, seed, clusters) @ contrast
        )

    # A difference of medians, as in the replicates; not a median of differences.
    return Estimate(float(np.median(values, axis=0) @ contrast), low, high, len(values))


def bootstrap(
    values: np.ndarray,
    statistic: Statistic,
    n_resamples: int,
    seed: int,
    clusters: np.ndarray | None = None,
) -> np.ndarray:
    """Mean or median of resampled members.

    Parameters
    ----------
    values
        (members,) or (members, k); the k columns of a member are sampled together, so that they stay paired.
    clusters
        (members,): name of each member's cluster; clusters are sampled, with all their members. None: members are.

    Returns
    -------
    (n_resamples,) or (n_resamples, k).
    """
    rng = np.random.default_rng(seed)

    # Where each member is a cluster of its own, no row needs padding.
    if clusters is None or len(set(clusters)) == len(clusters):
        sampled = rng.integers(0, len(values), size=(n_resamples, len(values)))
        return getattr(np, statistic)(values[sampled], axis=1)

    _, of_member = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(of_member)
    # Clusters differ in size: what a smaller one lacks points at a row of NaN, which the statistic leaves out.
    rows = np.full((len(sizes), sizes.max()), len(values))
    rows[np.arange(sizes.max()) < sizes[:, None]] = np.argsort(of_member, kind="stable")
    missing = np.full_like(values[:1], np.nan, dtype=float)
    padded = np.concatenate([values, missing])

    # (n_resamples, clusters, members of the largest cluster)
    sampled = rows[rng.integers(0, len(sizes), size=(n_resamples, len(sizes)))]
    # nan: samples of unequal clusters hold unequal numbers of members
    return getattr(np, f"nan{statistic}")(
        padded[sampled.reshape(n_resamples, -1)], axis=1
    )


def resample(n_units: int, n_resamples: int, seed: int) -> np.ndarray:
    """How often each unit is in each bootstrap sample, (1 + resamples, units); the first row is the data itself."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_units, np.full(n_units, 1 / n_units), n_resamples)
    return np.vstack([np.ones((1, n_units), dtype=drawn.dtype), drawn])


def interval(replicates: np.ndarray) -> tuple[float, float]:
    """Percentile interval (95%) of bootstrap replicates, without the undefined ones."""
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.nanquantile(replicates, [tail, 1 - tail])
    return float(low), float(high)
