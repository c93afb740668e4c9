"""The strongest naive predictors of each split, fitted twice: on train for choosing and stacking, and on all known.

Shapes: L lines, D drugs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from grnformer.bench.drug_response.learners import TreeSettings, boost, grow_forest
from grnformer.bench.drug_response.matrix import (
    Parts,
    fit_additive,
    known_means,
    known_pairs,
    remove_means,
)
from grnformer.bench.drug_response.metrics import double_centred_pearson_with
from grnformer.bench.drug_response.soft_impute import Completion, complete
from grnformer.bench.drug_response.two_way import (
    Kernel,
    covariance_kernel,
    mean_kernel,
    two_way_ridge,
)

#: weight of the drugs' covariance beside each drug by itself; the best of five on validation lines
SHARED = 0.3

#: predictions L x D from the pairs of a mask, one a penalty
Ridge = Callable[[np.ndarray, Sequence[float]], Iterable[np.ndarray]]


class Fitted(NamedTuple):
    """A predictor fitted twice.

    Attributes
    ----------
    trained
        Predictions (L x D) of the fit on train, which validation has not seen.
    final
        Those of the fit on train and validation.
    chosen
        The setting that was best on validation; NaN where there is none.
    """

    trained: np.ndarray
    final: np.ndarray
    chosen: float = float("nan")


def fit_ridge(
    values: np.ndarray, parts: Parts, penalties: Sequence[float], ridge: Ridge
) -> Fitted:
    """Choose a penalty on validation, by double-centred Pearson; then fit on all that is known."""
    candidates = list(ridge(parts["train"], penalties))
    best = choose(values, parts["validation"], penalties, candidates)
    (final,) = ridge(known_pairs(parts), [best])
    return Fitted(candidates[list(penalties).index(best)], final, best)


def choose(
    values: np.ndarray,
    mask: np.ndarray,
    grid: Sequence[float],
    candidates: Iterable[np.ndarray],
) -> float:
    """The setting whose predictions have the highest double-centred Pearson on `mask`; the first of equals."""
    # Undefined where predictions have no interaction: never chosen before one that has.
    correlate = double_centred_pearson_with(values, mask)
    scores = [
        np.nan_to_num(correlate(predicted), nan=-np.inf) for predicted in candidates
    ]
    return grid[int(np.argmax(scores))]


def line_ridge(
    filled: Completion, features: Sequence[np.ndarray], *, covariance: bool
) -> Ridge:
    """Ridge on features of lines, one model a drug or, with the drugs' covariance, all drugs together.

    Parameters
    ----------
    filled
        LN_IC50, L x D, NaN where it may not be read.
    features
        Of the lines, L x features each; several stand beside each other with equal weight.
    covariance
        Drugs that resemble each other in training inform each other.
    """

    def predict(mask: np.ndarray, penalties: Sequence[float]) -> Iterable[np.ndarray]:
        lines, every = np.asarray(mask.any(axis=1)), np.ones(mask.shape[1], dtype=bool)
        mean = known_means(filled.values, mask, axis=0)
        response = (filled.of(mask) - mean)[lines]

        drugs = None
        if covariance:
            alone = (1 - SHARED) * np.eye(len(every))
            drugs = Kernel(alone + SHARED * covariance_kernel(response))
        kernel = Kernel(mean_kernel(features, lines))
        found = two_way_ridge(response, kernel, drugs, lines, every, penalties)
        return (mean + predicted for predicted in found)

    return predict


def drug_ridge(
    filled: Completion,
    structures: Kernel,
    line_kernel: Callable[..., Kernel | None],
) -> Ridge:
    """Ridge on the similarity of drugs, with a kernel of lines.

    Parameters
    ----------
    filled
        LN_IC50, L x D, NaN where it may not be read.
    structures
        See `structure_kernel`.
    line_kernel
        Kernel (L x L) from the training response, L x known drugs: how lines inform each other; None: not at all.
    """

    def predict(mask: np.ndarray, penalties: Sequence[float]) -> Iterable[np.ndarray]:
        drugs, every = np.asarray(mask.any(axis=0)), np.ones(mask.shape[0], dtype=bool)
        response = filled.of(mask)[:, drugs]
        mean = response.mean(axis=1, keepdims=True)
        found = two_way_ridge(
            response - mean,
            line_kernel(response - mean),
            structures,
            every,
            drugs,
            penalties,
        )
        return (mean + predicted for predicted in found)

    return predict


def structure_kernel(similarity: np.ndarray) -> Kernel:
    """Squared Tanimoto similarity of drugs, from the similarity (D x D, in [0, 1]).

    Squared, near neighbours count more: similarities below one half are mostly chance.
    """
    return Kernel(similarity.astype(float) ** 2)


def no_line_kernel(response: np.ndarray) -> None:
    """Every line by itself: one ridge regression a line."""


def line_covariance(response: np.ndarray) -> Kernel:
    """Lines that respond alike inform each other."""
    return Kernel(covariance_kernel(response.T))


def fit_trees(
    values: np.ndarray,
    parts: Parts,
    expression: np.ndarray,
    learner: str,
    trees: TreeSettings,
) -> Fitted:
    """Fit ``random_forest`` or ``gradient_boosting`` on expression; nothing is chosen."""
    fit = {"random_forest": grow_forest, "gradient_boosting": boost}[learner]
    fits = []
    for mask in (parts["train"], known_pairs(parts)):
        lines = np.asarray(mask.any(axis=1))
        mean = known_means(values, mask, axis=0)
        response = (complete(values, mask) - mean)[lines]
        fits.append(mean + fit(expression, response, lines, trees))
    return Fitted(trained=fits[0], final=fits[1])


def stack(
    values: np.ndarray, validation: np.ndarray, members: Sequence[Fitted]
) -> np.ndarray:
    """Predictions (L x D) of members joined by weights of at least 0 that fit the interaction on validation.

    The weights come from fits on train, of which validation is no part; they join the fits on all that is known.
    """
    every = np.ones(values.shape, dtype=bool)
    truth = remove_means(values, validation)
    trained = [remove_means(member.trained, validation) for member in members]
    weights, _ = nnls(np.stack(trained, axis=1), truth)

    # Means are as good in any member: those of the first are taken.
    means = fit_additive(members[0].final, every).predictions()
    joined = means.copy()
    for weight, member in zip(weights, members, strict=True):
        own = fit_additive(member.final, every).predictions()
        joined += weight * (member.final - own)
    return joined
