"""Ridge regression with a kernel of lines and a kernel of drugs: what each looks like tells what they have in common.

Shapes: L lines, D drugs, K known lines, C known drugs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


class Kernel:
    """A kernel (N x N) whose decompositions are kept: fits on the same known rows share one."""

    def __init__(self, matrix: np.ndarray) -> None:
        self._matrix = matrix
        self._found: dict[bytes, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def decompose(self, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Eigenvalues and vectors on the rows `known` (boolean, N), and the kernel of all with these on the vectors."""
        key = known.tobytes()
        if key not in self._found:
            values, vectors = np.linalg.eigh(self._matrix[np.ix_(known, known)])
            # No eigenvalue is negative but by rounding.
            projected = self._matrix[:, known] @ vectors
            self._found[key] = np.maximum(values, 0.0), vectors, projected
        return self._found[key]


def two_way_ridge(
    response: np.ndarray,
    line_kernel: Kernel | None,
    drug_kernel: Kernel | None,
    lines: np.ndarray,
    drugs: np.ndarray,
    penalties: Sequence[float],
) -> Iterator[np.ndarray]:
    """Yield predictions (L x D) for each penalty; kernel ridge regression with the product of both kernels.

    Without a kernel of drugs it is one ridge regression a drug. Solved by the eigenvectors of both kernels
    (Stegle et al. 2011, NeurIPS 24), which needs a response without missing values.

    Parameters
    ----------
    response
        What is fitted, K x C: residuals after the means, filled where they are not known.
    line_kernel, drug_kernel
        L x L and D x D, positive semidefinite, mean diagonal 1. None: the identity, all of them being known.
    lines, drugs
        Which are known, boolean L and D.
    penalties
        Above 0; in units of the product of both diagonals.
    """
    of_lines, of_drugs, loadings = np.ones(lines.sum()), np.ones(drugs.sum()), response
    # Of an identity, vectors are itself, and a product with it nothing but time.
    left = right = None
    if line_kernel is not None:
        # From the known ones to all.
        of_lines, vectors, left = line_kernel.decompose(lines)
        loadings = vectors.T @ loadings
    if drug_kernel is not None:
        of_drugs, vectors, right = drug_kernel.decompose(drugs)
        loadings = loadings @ vectors

    scale = np.outer(of_lines, of_drugs)
    for penalty in penalties:
        predicted = loadings / (scale + penalty)
        if left is not None:
            predicted = left @ predicted
        yield predicted if right is None else predicted @ right.T


def feature_kernel(features: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Inner products of rows after centring the features on the rows `known`; their mean diagonal is 1."""
    centred = features - features[known].mean(axis=0)
    return scale_kernel(centred @ centred.T, known)


def mean_kernel(features: Sequence[np.ndarray], known: np.ndarray) -> np.ndarray:
    """Several sets of features of the same rows beside each other, with equal weight (see `feature_kernel`)."""
    return np.asarray(np.mean([feature_kernel(each, known) for each in features], 0))


def covariance_kernel(response: np.ndarray) -> np.ndarray:
    """Covariance of the columns of `response` after the means of its rows are removed; mean diagonal 1."""
    centred = response - response.mean(axis=1, keepdims=True)
    covariance = np.atleast_2d(np.cov(centred, rowvar=False))
    return scale_kernel(covariance, np.ones(len(covariance), dtype=bool))


def scale_kernel(kernel: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The kernel over its mean diagonal on the rows `known`, so that one grid of penalties fits every kernel."""
    scale = float(kernel.diagonal()[known].mean())
    # Features that do not vary: a kernel of zeros, which predicts the means.
    return np.asarray(kernel / max(scale, np.finfo(float).tiny), dtype=float)
