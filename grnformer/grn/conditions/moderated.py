"""Moderated t-test: variances of many features borrow strength from each other where replicates are few.

Smyth 2004, doi 10.2202/1544-6115.1027.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, islice, product
from math import comb
from typing import NamedTuple

import numpy as np

# of Newton's method; it converges in a few
_ITERATIONS = 50


class Tested(NamedTuple):
    """Result for each feature: mean difference, moderated t, two-sided p."""

    difference: np.ndarray
    t: np.ndarray
    p: np.ndarray


def compare_groups(values: np.ndarray, is_case: np.ndarray) -> Tested:
    """Test cases against the others; one variance in both groups.

    Parameters
    ----------
    values
        features x replicates, no missing value.
    is_case
        Replicates, bool; two of either kind at least.
    """
    case, control = values[:, is_case], values[:, ~is_case]
    n, m = case.shape[1], control.shape[1]
    difference = case.mean(axis=1) - control.mean(axis=1)
    within = case.var(axis=1) * n + control.var(axis=1) * m
    df = n + m - 2
    return _test(difference, within / df, df, 1 / n + 1 / m)


def compare_pairs(values: np.ndarray) -> Tested:
    """Test whether differences within pairs are 0: features x pairs."""
    n = values.shape[1]
    return _test(values.mean(axis=1), values.var(axis=1, ddof=1), n - 1, 1 / n)


def _test(
    difference: np.ndarray, variance: np.ndarray, df: int, factor: float
) -> Tested:
    from scipy.stats import t as student

    prior, prior_df = fit_prior(variance, df)
    if np.isinf(prior_df):
        squeezed = np.full_like(variance, prior)
    else:
        squeezed = (prior_df * prior + df * variance) / (prior_df + df)
    # no more than all features have together
    total = min(prior_df + df, df * len(variance))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = difference / np.sqrt(squeezed * factor)
    # nothing varies and nothing differs
    t = np.where(difference == 0, 0.0, t)
    return Tested(difference, t, 2 * student.sf(np.abs(t), total))


def fit_prior(variance: np.ndarray, df: int) -> tuple[float, float]:
    """Fit the scaled inverse chi-squared prior of variances with `df` degrees of freedom.

    Returns
    -------
    Prior variance and its degrees of freedom, infinite where the variances differ no more than by chance. Features
    without variance take no part; where none has any, 0 and 0.
    """
    from scipy.special import digamma, polygamma

    seen = variance[variance > 0]
    if not len(seen):
        return 0.0, 0.0
    half = df / 2
    e = np.log(seen) - digamma(half) + np.log(half)
    excess = e.var(ddof=1) - polygamma(1, half) if len(seen) > 1 else 0.0
    if excess <= 0:
        return float(np.exp(e.mean())), np.inf
    prior = 2 * _invert_trigamma(float(excess))
    log_variance = e.mean() + digamma(prior / 2) - np.log(prior / 2)
    return float(np.exp(log_variance)), prior


def _invert_trigamma(value: float) -> float:
    """x > 0 with trigamma(x) = value, by Newton's method on 1 / trigamma, which is nearly linear (Smyth 2004)."""
    from scipy.special import polygamma

    x = 0.5 + 1 / value
    for _ in range(_ITERATIONS):
        trigamma = polygamma(1, x)
        step = trigamma * (1 - trigamma / value) / polygamma(2, x)
        x += step
        if -step / x < 1e-8:
            break
    return float(x)


def other_labels(
    is_case: np.ndarray, most: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Other assignments of the labels: all of them if they are at most `most`, else so many at random, none twice.

    The assignment itself is not among them, nor the one that only exchanges the groups, whose test is the same.
    """
    n, n_cases = len(is_case), int(is_case.sum())
    same = {is_case.tobytes(), (~is_case).tobytes()}
    if comb(n, n_cases) <= 2 * most + 2:
        every: Iterable[np.ndarray] = (
            np.isin(np.arange(n), chosen) for chosen in combinations(range(n), n_cases)
        )
    else:
        every = (rng.permutation(is_case) for _ in range(50 * most))
    return list(islice(_distinct(every, same), most))


def other_flips(n: int, most: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Other signs (1, -1) of n differences, as `other_labels`."""
    as_is = np.ones(n)
    same = {as_is.tobytes(), (-as_is).tobytes()}
    if 2**n <= 2 * most + 2:
        every: Iterable[np.ndarray] = (
            np.array(signs, float) for signs in product((1, -1), repeat=n)
        )
    else:
        every = (rng.choice([1.0, -1.0], n) for _ in range(50 * most))
    return list(islice(_distinct(every, same), most))


def _distinct(every: Iterable[np.ndarray], seen: set[bytes]) -> Iterator[np.ndarray]:
    """Those that are neither seen nor the opposite of one that is."""
    for one in every:
        opposite = ~one if one.dtype == bool else -one
        if one.tobytes() not in seen and opposite.tobytes() not in seen:
            seen.add(one.tobytes())
            yield one
