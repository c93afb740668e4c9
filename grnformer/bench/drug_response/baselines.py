"""Naive baselines: what is reached without a drug graph network and without a pretrained embedding.

Every baseline gives L x D predictions for all pairs. It may read the values of train and validation; a setting is
chosen on validation (nearest drugs: leave one out over both). It never reads a tested value: these are blanked first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grnformer.bench.drug_response.informed import (
    Fitted,
    choose,
    drug_ridge,
    fit_ridge,
    fit_trees,
    line_covariance,
    line_ridge,
    no_line_kernel,
    stack,
    structure_kernel,
)
from grnformer.bench.drug_response.learners import TreeSettings
from grnformer.bench.drug_response.matrix import (
    Parts,
    blank_tested,
    fit_additive,
    known_means,
    known_pairs,
)
from grnformer.bench.drug_response.nearest_drugs import predict_from_similar_drugs
from grnformer.bench.drug_response.ridge import approximate_ridge, predict_by_ridge
from grnformer.bench.drug_response.soft_impute import Completion, soft_impute
from grnformer.bench.drug_response.split import KNOWN_UNITS, UNSEEN_LINES

#: predictors that must find nothing: their structures are another drug's
CONTROLS = ("permuted_structures",)


@dataclass(frozen=True)
class Features:
    """What baselines may look at beside responses.

    Attributes
    ----------
    expression
        L x genes.
    similarity
        D x D, Tanimoto similarity of the drugs' fingerprints.
    """

    expression: np.ndarray
    similarity: np.ndarray


@dataclass(frozen=True)
class Grids:
    """Settings tried on validation.

    Attributes
    ----------
    shrinkage
        Soft-impute: singular values are shrunk by these fractions of the largest one.
    alpha
        Ridge: penalties, in units of the mean squared norm of a line's expression.
    neighbours
        Fingerprint kNN: numbers of neighbours.
    learners
        Slower predictors that are wanted: random_forest, gradient_boosting, stack.
    trees
        Of the first two.
    seed
        Of the permuted structures.
    """

    shrinkage: list[float]
    alpha: list[float]
    neighbours: list[int]
    learners: list[str]
    trees: TreeSettings
    seed: int


def predict_baselines(
    values: np.ndarray,
    parts: Parts,
    split: str,
    features: Features,
    grids: Grids,
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Predict all baselines of one fold, and the controls of `CONTROLS`.

    Parameters
    ----------
    values
        LN_IC50, L x D.
    parts
        Masks train, validation, test, L x D.
    split
        What is left out: which of the informed baselines apply.
    features, grids
        See there.

    Returns
    -------
    name -> predictions L x D, and name -> the setting chosen on validation.
    """
    # A tested value that is read by mistake would show as NaN.
    values = blank_tested(values, parts)
    known = known_pairs(parts)
    predictions = _predict_means(values, known)

    # Each split has baselines with information on the units that are unseen.
    if split in KNOWN_UNITS:
        informed, chosen = _complete_matrix(values, parts, grids)
    elif split in UNSEEN_LINES:
        informed, chosen = _predict_lines(values, parts, features, grids)
    elif split == "drug":
        informed, chosen = _predict_drugs(values, parts, features, grids)
    else:
        raise ValueError(f"split {split!r}")
    return predictions | informed, chosen


def _predict_means(values: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    # Means have no setting to choose: they may use validation too.
    grand = values[known].mean()
    of_drug, of_line = (known_means(values, known, axis=axis) for axis in (0, 1))
    shape = values.shape
    return {
        "global_mean": np.full(shape, grand),
        "drug_mean": np.broadcast_to(of_drug, shape),
        "line_mean": np.broadcast_to(of_line[:, None], shape),
        # Of unbalanced tables, not the least-squares fit, which comes next.
        "mean_effects": of_line[:, None] + of_drug - grand,
        "additive": fit_additive(values, known).predictions(),
    }


def _complete_matrix(
    values: np.ndarray, parts: Parts, grids: Grids
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Pairs are missing: their line and drug are known, so that no feature is needed."""
    # Fitted on train only, so that validation can choose the shrinkage.
    candidates = soft_impute(values, parts["train"], grids.shrinkage)
    best = choose(values, parts["validation"], grids.shrinkage, candidates)

    # Fits start from one another, from strong to weak shrinkage: the final one goes the same way.
    path = grids.shrinkage[: grids.shrinkage.index(best) + 1]
    *_, completed = soft_impute(values, known_pairs(parts), path)
    return {"soft_impute": completed}, {"soft_impute": best}


def _predict_lines(
    values: np.ndarray, parts: Parts, features: Features, grids: Grids
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Lines are missing: their expression is known."""
    expression = features.expression

    # Chosen by the cheap approximation; the final fit below is exact.
    candidates = list(
        approximate_ridge(values, parts["train"], expression, grids.alpha)
    )
    best = choose(values, parts["validation"], grids.alpha, candidates)
    exact = predict_by_ridge(values, known_pairs(parts), expression, best)
    together = line_ridge(Completion(values), [expression], covariance=True)
    fits = {
        "ridge": Fitted(candidates[grids.alpha.index(best)], exact, best),
        "ridge_with_drug_covariance": fit_ridge(values, parts, grids.alpha, together),
    }

    for learner in ("random_forest", "gradient_boosting"):
        if learner in grids.learners:
            fits[learner] = fit_trees(values, parts, expression, learner, grids.trees)
    return _with_stack(values, parts["validation"], fits, grids)


def _predict_drugs(
    values: np.ndarray, parts: Parts, features: Features, grids: Grids
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Drugs are missing: their structure is known."""
    similarity, known = features.similarity, known_pairs(parts)

    # No drug is a neighbour of itself, so that predictions of known drugs are leave-one-out: all of them choose,
    # where some 20 drugs of validation would choose by chance.
    near = list(predict_from_similar_drugs(values, known, similarity, grids.neighbours))
    number = int(choose(values, known, grids.neighbours, near))
    place = grids.neighbours.index(number)
    (trained,) = predict_from_similar_drugs(
        values, parts["train"], similarity, [number]
    )

    order = np.random.default_rng(grids.seed).permutation(len(similarity))
    shuffled = similarity[np.ix_(order, order)]
    filled, structures = Completion(values), structure_kernel(similarity)
    ridges = {
        "structure_ridge": drug_ridge(filled, structures, no_line_kernel),
        "structure_ridge_with_line_covariance": drug_ridge(
            filled, structures, line_covariance
        ),
        "permuted_structures": drug_ridge(
            filled, structure_kernel(shuffled), no_line_kernel
        ),
    }
    fits = {"fingerprint_neighbours": Fitted(trained, near[place], number)}
    fits |= {
        name: fit_ridge(values, parts, grids.alpha, ridge)
        for name, ridge in ridges.items()
    }
    return _with_stack(values, parts["validation"], fits, grids)


def _with_stack(
    values: np.ndarray, validation: np.ndarray, fits: dict[str, Fitted], grids: Grids
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    predictions = {name: fit.final for name, fit in fits.items()}
    if "stack" in grids.learners:
        members = [fit for name, fit in fits.items() if name not in CONTROLS]
        predictions["stack"] = stack(values, validation, members)
    chosen = {n: fit.chosen for n, fit in fits.items() if not np.isnan(fit.chosen)}
    return predictions, chosen
