"""When an eRegulon counts as active: a threshold on its AUCs from a mixture of two Gaussians.

Where the cells fall into two modes, the threshold is the AUC at which a cell is as likely of the one as of the
other (the intersection of the weighted densities); where they do not (one mode, usually with a long upper tail),
it is the mean + 2 SD.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

# of a component, as a fraction of all variance: a spike of equal AUCs is no mode by itself
_LEAST_VARIANCE = 1e-2


@dataclass(frozen=True)
class Threshold:
    """A threshold (cells above it are active), how it came about, and whether to distrust it.

    `method` is bimodal, skewed or constant; `separation` is Ashman's D of the two components, `bic_gain` the BIC of
    one Gaussian less that of two (above 0 favours two); both are nan for a constant.
    """

    threshold: float
    method: str
    doubtful: bool
    separation: float
    bic_gain: float


def find_threshold(
    auc: np.ndarray,
    *,
    min_separation: float,
    min_weight: float,
    max_overlap: float,
    seed: int,
) -> Threshold:
    """Return the threshold on one eRegulon's AUCs.

    Parameters
    ----------
    auc
        AUC of each cell.
    min_separation
        Two modes need components at least this far apart, in units of their root mean square SD (Ashman's D).
    min_weight
        Fraction of cells the smaller component needs.
    max_overlap
        A bimodal threshold is doubtful where the mean probability of the wrong call is higher.

    Notes
    -----
    Bimodal means: BIC prefers two components, they are separate and large enough, and the density has a valley
    between them. A skewed threshold is doubtful if no cell is above it. A constant is doubtful; no cell is active.
    """
    from sklearn.mixture import GaussianMixture

    auc = np.asarray(auc, dtype=np.float64)
    mean, sd = auc.mean(), auc.std()

    # Rounding alone gives equal AUCs a tiny SD; fewer than 10 cells show no modes.
    if sd <= 1e-12 * max(1.0, abs(mean)) or auc.size < 10:
        return Threshold(float(auc.max()), "constant", True, np.nan, np.nan)

    # Scaled to unit variance, so that the least variance and the start values fit AUCs of any size.
    scaled = ((auc - mean) / sd)[:, None]
    # one component starts where it ends: any start but k-means costs nothing
    one = GaussianMixture(1, reg_covar=_LEAST_VARIANCE, init_params="random").fit(
        scaled
    )
    two = _fit_two(scaled, seed)
    bic_gain = float(one.bic(scaled) - two.bic(scaled))

    # The components come in any order: the lower mean first.
    order = np.argsort(two.means_.ravel())
    means, variances = two.means_.ravel()[order], two.covariances_.ravel()[order]
    # Ashman's D, sqrt(2) |m1 - m2| / sqrt(v1 + v2), is the distance over the root of
    # the mean variance.
    separation = float((means[1] - means[0]) / np.sqrt(variances.mean()))

    crossing = intersection(means, variances, two.weights_[order])
    two_modes = (
        bic_gain > 0
        and separation >= min_separation
        and two.weights_.min() >= min_weight
    )
    if crossing is not None and two_modes and _has_valley(two, means):
        # The less likely component's probability is that of a wrong call.
        overlap = two.predict_proba(scaled).min(axis=1).mean()
        doubtful = bool(overlap > max_overlap) or not two.converged_
        return Threshold(
            mean + sd * crossing, "bimodal", doubtful, separation, bic_gain
        )

    value = float(mean + 2 * sd)
    return Threshold(value, "skewed", not (auc > value).any(), separation, bic_gain)


def _fit_two(scaled: np.ndarray, seed: int) -> GaussianMixture:
    """Fit two components from a fixed start: a large one low and a small one high, as activities lie."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    two = GaussianMixture(
        2,
        reg_covar=_LEAST_VARIANCE,
        max_iter=500,
        init_params="random_from_data",
        means_init=np.quantile(scaled, [0.25, 0.95])[:, None],
        weights_init=[0.75, 0.25],
        precisions_init=np.full((2, 1, 1), 2.0),
        random_state=seed,
    )
    with warnings.catch_warnings():
        # the caller reads two.converged_
        warnings.simplefilter("ignore", ConvergenceWarning)
        return two.fit(scaled)


def intersection(
    means: np.ndarray, variances: np.ndarray, weights: np.ndarray
) -> float | None:
    """Return where two weighted Gaussian densities cross between their means (in rising order), None if nowhere."""
    # The difference of the log densities is a quadratic in x, and linear for equal variances.
    square = 1 / variances[1] - 1 / variances[0]
    linear = 2 * (means[0] / variances[0] - means[1] / variances[1])
    log_ratio = np.log(weights[1] / weights[0] * np.sqrt(variances[0] / variances[1]))
    constant = (
        means[1] ** 2 / variances[1] - means[0] ** 2 / variances[0] - 2 * log_ratio
    )

    roots = np.roots(
        [square, linear, constant] if abs(square) > 1e-9 else [linear, constant]
    )

    # Between the means one density falls and the other rises: they cross once at most.
    real = roots[np.abs(roots.imag) < 1e-9].real
    between = real[(means[0] < real) & (real < means[1])]
    return float(between[0]) if len(between) else None


def _has_valley(mixture: GaussianMixture, means: np.ndarray) -> bool:
    grid = np.linspace(means[0], means[1], 101)[:, None]
    density = mixture.score_samples(grid)
    return bool(density.min() < min(density[0], density[-1]))
