"""Predictors of a response from similar perturbations: a smoother, a pairwise kernel regression, a forest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.bench.perturbation.labels import Labels, Training

_SHRINKAGE = 3.0
_STEPS = 10
_NOISE = 2.0  # ridge, in units of the mean diagonal of K_p
_COMPONENTS = 30
_TREES = 100


def smooth(
    train: Training, similarity: np.ndarray, rows: np.ndarray, power: float
) -> np.ndarray:
    """Mean response of similar perturbations in genes that respond alike, shrunk where there is little of either.

    score = (K_p R K_g) / (K_p O K_g + 3 mean), with responses R and observed labels O of training, similarities of
    perturbations K_p and co-responses of genes K_g.

    Parameters
    ----------
    similarity
        (perturbations, perturbations), not negative.
    rows
        Numbers of the perturbations to predict.
    power
        Of the co-response: more than 1 smooths over closer genes.

    Returns
    -------
    (rows, learned genes).
    """
    weight = similarity[np.ix_(rows, train.rows)]
    kernel = train.co_response**power
    response = weight @ train.response @ kernel
    observed = weight @ train.observed @ kernel
    # without any similar perturbation there is nothing to say: 0, as for all others
    shrinkage = max(_SHRINKAGE * float(observed.mean()), 1e-12)
    return response / (observed + shrinkage)


def regress(
    train: Training,
    similarity: np.ndarray,
    rows: np.ndarray,
    offset: float,
) -> np.ndarray:
    """Kernel ridge regression on pairs: two pairs are alike as their perturbations and their genes are.

    The kernel is K_p times (K_g + offset), over observed pairs; the offset lets a perturbation shift all genes. It is
    solved by a few steps of conjugate gradients, which regularise too (Airola & Pahikkala 2018, doi
    10.1109/TNNLS.2017.2727545).

    Parameters
    ----------
    offset
        Likeness of any two genes: what one gene shows of a perturbation, it shows of all.

    Returns
    -------
    (rows, learned genes).
    """
    scale = np.diag(similarity).mean()
    between = similarity[np.ix_(train.rows, train.rows)] / scale
    genes = train.co_response + np.float32(offset)

    solution = np.zeros_like(train.response)
    residual = train.response.copy()
    direction = residual.copy()
    size = float((residual**2).sum())
    for _ in range(_STEPS):
        if size == 0:
            break
        image = (between @ direction @ genes) * train.observed + _NOISE * direction
        step = size / float((direction * image).sum())
        solution += step * direction
        residual -= step * image
        previous, size = size, float((residual**2).sum())
        direction = residual + size / previous * direction
    return (similarity[np.ix_(rows, train.rows)] / scale) @ solution @ genes


def grow_forest(
    train: Training, features: np.ndarray, rows: np.ndarray, seed: int
) -> np.ndarray:
    """Random forest from features of the perturbed gene to the principal responses of genes.

    Parameters
    ----------
    features
        (perturbations, features).

    Returns
    -------
    (rows, learned genes).
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.ensemble import RandomForestRegressor

    n = min(_COMPONENTS, min(train.response.shape) - 1)
    reduced = TruncatedSVD(n, random_state=seed)
    responses = reduced.fit_transform(train.response)
    forest = RandomForestRegressor(
        _TREES, min_samples_leaf=3, max_features=0.3, random_state=seed, n_jobs=1
    )
    forest.fit(features[train.rows], responses)
    return forest.predict(features[rows]) @ reduced.components_


def blend(scores: list[np.ndarray], labels: Labels) -> np.ndarray:
    """Mean of scores of the tested pairs, each standardised within its gene: AUROC within genes knows no other scale.

    The result has the mean SD within genes of the first score, so that it may be added to a gene's rate.

    Parameters
    ----------
    scores
        (tested pairs,) each.
    """
    gene = labels.gene[labels.tested]
    parts, sds = [], []
    for score in scores:
        grouped = pd.Series(score).groupby(gene)
        sd = grouped.transform("std").fillna(0).to_numpy()
        sds.append(float(sd.mean()))
        centred = score - grouped.transform("mean").to_numpy()
        parts.append(np.divide(centred, sd, out=np.zeros_like(centred), where=sd > 0))
    return sds[0] * np.mean(parts, axis=0)
