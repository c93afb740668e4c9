"""Ridge regression of each drug's response on the expression of all genes, in its dual form."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from grnformer.bench.drug_response.matrix import known_means


def predict_by_ridge(
    values: np.ndarray, mask: np.ndarray, expression: np.ndarray, alpha: float
) -> np.ndarray:
    """Predictions (L x D) of one ridge model a drug, with an intercept, fitted on the drug's known lines.

    A drug without a known line gets the global mean.

    Parameters
    ----------
    values, mask
        LN_IC50 and which of it is known, L x D.
    expression
        L x genes.
    alpha
        Penalty in units of the mean squared norm of a line's expression, centred on the lines with a known value.
    """
    # L x L in place of genes x genes: a screen has fewer lines than genes.
    kernel, scale = _kernel(expression, np.asarray(mask.any(axis=1)))
    predictions = np.full(values.shape, values[mask].mean())
    for drug, rows in enumerate(map(np.flatnonzero, mask.T)):
        if len(rows):
            predictions[:, drug] = _fit(kernel, values[rows, drug], rows, alpha * scale)
    return predictions


def approximate_ridge(
    values: np.ndarray,
    mask: np.ndarray,
    expression: np.ndarray,
    alphas: list[float],
) -> Iterator[np.ndarray]:
    """Yield predictions (L x D) for each penalty, for choosing one: what a drug lacks is filled by its mean.

    All drugs then share their lines, and one decomposition serves all drugs and penalties; exact where no value of
    a line with any known value is missing.
    """
    rows = np.asarray(mask.any(axis=1))
    kernel, scale = _kernel(expression, rows)

    # Centred by drug: its mean is the intercept, which is not penalised.
    mean = known_means(values, mask, axis=0)
    response = np.where(mask, values - mean, 0.0)[rows]

    # With eigenvectors at hand, each further penalty costs one product.
    squared, vectors = np.linalg.eigh(kernel[np.ix_(rows, rows)])
    loadings = vectors.T @ response
    projected = kernel[:, rows] @ vectors
    for alpha in alphas:
        # The kernel has no negative eigenvalue but by rounding.
        penalised = np.maximum(squared, 0.0) + alpha * scale
        yield mean + projected @ (loadings / penalised[:, None])


def _kernel(expression: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Inner products of lines after centring the genes on `rows`, and their mean over the diagonal of `rows`."""
    centred = expression - expression[rows].mean(axis=0)
    kernel = (centred @ centred.T).astype(float)
    # Penalties are relative to this scale: one grid fits any unit of expression.
    return kernel, float(kernel.diagonal()[rows].mean())


def _fit(
    kernel: np.ndarray, response: np.ndarray, rows: np.ndarray, penalty: float
) -> np.ndarray:
    """Predictions for all lines of the model fitted on `rows` (numbers); the intercept is not penalised."""
    # All lines against the known ones, and these among each other; by whole rows, as the kernel is symmetric.
    outer = kernel.take(rows, axis=0).T
    inner = outer.T.take(rows, axis=1)
    # The kernel is centred on the drug's lines, as if each gene were: this fits the intercept.
    row_mean = inner.mean(axis=0)
    mean = row_mean.mean()
    # In place, and of the transpose, which is the same: as Cholesky takes it without a copy.
    inner = inner.T
    inner -= row_mean
    inner -= row_mean[:, None]
    inner += mean
    # Every (n + 1)-th entry of the flattened matrix is on the diagonal.
    inner.flat[:: len(inner) + 1] += penalty

    # The penalty makes it positive definite, as Cholesky needs it.
    factor = cho_factor(inner, overwrite_a=True, check_finite=False)
    dual = cho_solve(factor, response - response.mean(), check_finite=False)

    # Centred by the known ones as in the fit.
    outer -= outer.mean(axis=1)[:, None]
    outer -= row_mean
    outer += mean
    return response.mean() + outer @ dual
