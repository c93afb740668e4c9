"""Naive baselines: what is reached without a drug graph network and without a pretrained embedding.

Every baseline gives L x D predictions for all pairs. It may read the values of
train and validation; a setting is chosen on validation (nearest drugs: leave one out over both). It never reads a
tested value: the tested values are blanked before it is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from grnformer.bench.drug_response.matrix import fit_additive
from grnformer.bench.drug_response.metrics import double_centred_pearson
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
        Soft-impute: singular values are shrunk by these shares of the largest one.
    alpha
        Ridge: penalties, in units of the mean squared norm of a line's expression.
    neighbours
        Fingerprint kNN: numbers of neighbours.
    """

    shrinkage: list[float]
    alpha: list[float]
    neighbours: list[int]


def predict_global_mean(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The mean of all known values everywhere."""
    return np.full(values.shape, values[known].mean())


def predict_drug_mean(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The drug's mean over known lines; the global mean for a drug without any."""
    return np.broadcast_to(_means(values, known, axis=0)[None, :], values.shape)


def predict_line_mean(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The line's mean over known drugs; the global mean for a line without any."""
    return np.broadcast_to(_means(values, known, axis=1)[:, None], values.shape)


def predict_additive(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Least-squares mean + line effect + drug effect; unknown effects are 0."""
    mean, line_effect, drug_effect = fit_additive(values, known)
    return mean + line_effect[:, None] + drug_effect[None, :]


def predict_baselines(
    values: np.ndarray, parts: Parts, split: str, features: Features, grids: Grids
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
    values = np.where(parts["test"], np.nan, values)
    known = parts["train"] | parts["validation"]
    predictions = {
        "global_mean": predict_global_mean(values, known),
        "drug_mean": predict_drug_mean(values, known),
        "line_mean": predict_line_mean(values, known),
        "additive": predict_additive(values, known),
    }
    if split == "pair":
        name, (prediction, setting) = "soft_impute", _complete(values, parts, grids.shrinkage)
    elif split == "line":
        name, (prediction, setting) = "ridge", _regress(values, parts, features.expression, grids.alpha)
    elif split == "drug":
        name = "fingerprint_neighbours"
        prediction, setting = _ask_neighbours(values, known, features.similarity, grids.neighbours)
    else:
        raise ValueError(f"split {split!r}")
    return predictions | {name: prediction}, {name: setting}


def _complete(values: np.ndarray, parts: Parts, grid: list[float]) -> tuple[np.ndarray, float]:
    best = choose(values, parts["validation"], zip(grid, soft_impute(values, parts["train"], grid), strict=True))
    # fits start from one another, from strong to weak shrinkage: the way to the best is gone again
    way = grid[: grid.index(best) + 1]
    *_, prediction = soft_impute(values, parts["train"] | parts["validation"], way)
    return prediction, best


def _regress(values: np.ndarray, parts: Parts, expression: np.ndarray, grid: list[float]) -> tuple[np.ndarray, float]:
    candidates = approximate_ridge(values, parts["train"], expression, grid)
    best = choose(values, parts["validation"], zip(grid, candidates, strict=True))
    return predict_by_ridge(values, parts["train"] | parts["validation"], expression, best), best


def _ask_neighbours(
    values: np.ndarray, known: np.ndarray, similarity: np.ndarray, grid: list[int]
) -> tuple[np.ndarray, float]:
    # no drug is its own neighbour, so that the predictions of known drugs are leave-one-out: some 20 drugs of
    # validation alone choose by chance
    candidates = dict(zip(grid, predict_from_similar_drugs(values, known, similarity, grid), strict=True))
    best = choose(values, known, candidates.items())
    return candidates[int(best)], best


def choose(values: np.ndarray, validation: np.ndarray, candidates: Iterable[tuple[float, np.ndarray]]) -> float:
    """The setting with the highest double-centred Pearson on validation; the first of equals."""
    scores = {setting: double_centred_pearson(values, p, validation) for setting, p in candidates}
    return max(scores, key=lambda setting: np.nan_to_num(scores[setting], nan=-np.inf))


def _means(values: np.ndarray, known: np.ndarray, axis: int) -> np.ndarray:
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), values[known].mean())
