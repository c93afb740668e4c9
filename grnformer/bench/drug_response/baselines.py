"""Naive baselines: what is reached without a drug graph network and without a pretrained embedding.

Every baseline gives L x D predictions for all pairs. It may read the values of train and validation; a setting is
chosen on validation (nearest drugs: leave one out over both). It never reads a tested value: these are blanked first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from grnformer.bench.drug_response.matrix import fit_additive, known_means
from grnformer.bench.drug_response.metrics import double_centred_pearson_with
from grnformer.bench.drug_response.nearest_drugs import predict_from_similar_drugs
from grnformer.bench.drug_response.ridge import approximate_ridge, predict_by_ridge
from grnformer.bench.drug_response.soft_impute import soft_impute

Parts = dict[str, np.ndarray]


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
    """

    shrinkage: list[float]
    alpha: list[float]
    neighbours: list[int]


def predict_baselines(
    values: np.ndarray,
    parts: Parts,
    split: str,
    features: Features,
    grids: Grids,
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Predict all baselines of one fold.

    Parameters
    ----------
    values
        LN_IC50, L x D.
    parts
        Masks train, validation, test, L x D.
    split
        pair, line or drug: which of the informed baselines applies.
    features, grids
        See there.

    Returns
    -------
    name -> predictions L x D, and name -> the setting chosen on validation.
    """
    # A tested value that is read by mistake would show as NaN.
    values = np.where(parts["test"], np.nan, values)
    train, validation = parts["train"], parts["validation"]
    known = train | validation

    # Means have no setting to choose: they may use validation too.
    predictions = {
        "global_mean": np.full(values.shape, values[known].mean()),
        "drug_mean": np.broadcast_to(known_means(values, known, axis=0), values.shape),
        "line_mean": np.broadcast_to(
            known_means(values, known, axis=1)[:, None], values.shape
        ),
        "additive": fit_additive(values, known).predictions(),
    }

    # Each split has one baseline with information on the units that are unseen.
    if split == "pair":
        # Fitted on train only, so that validation can choose the shrinkage.
        candidates = soft_impute(values, train, grids.shrinkage)
        best = choose(values, validation, grids.shrinkage, candidates)
        # Fits start from one another, from strong to weak shrinkage: the final one goes the same way.
        path = grids.shrinkage[: grids.shrinkage.index(best) + 1]
        name, prediction = "soft_impute", list(soft_impute(values, known, path))[-1]
    elif split == "line":
        # Chosen by the cheap approximation; the final fit below is exact.
        candidates = approximate_ridge(values, train, features.expression, grids.alpha)
        best = choose(values, validation, grids.alpha, candidates)
        name, prediction = (
            "ridge",
            predict_by_ridge(values, known, features.expression, best),
        )
    elif split == "drug":
        # No drug is a neighbour of itself, so that predictions of known drugs are leave-one-out: all of them choose,
        # where some 20 drugs of validation would choose by chance.
        neighbours = list(
            predict_from_similar_drugs(
                values, known, features.similarity, grids.neighbours
            )
        )
        best = choose(values, known, grids.neighbours, neighbours)
        name, prediction = (
            "fingerprint_neighbours",
            neighbours[grids.neighbours.index(int(best))],
        )
    else:
        raise ValueError(f"split {split!r}")
    return predictions | {name: prediction}, {name: best}


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
