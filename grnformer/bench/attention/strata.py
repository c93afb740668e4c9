"""Strata of genes that are alike in degree or expression."""

from __future__ import annotations

import numpy as np


def degree_strata(degree: np.ndarray, edges: list[int]) -> np.ndarray:
    """Bin of each gene by its links: 0 for none, then from each of the ascending lower `edges` on."""
    return np.searchsorted(np.asarray(edges), degree, side="right")


def expression_strata(expression: np.ndarray, n_bins: int) -> np.ndarray:
    """Bin of each gene by its mean expression: 0 where it is not expressed, then quantiles of the others."""
    strata = np.zeros(len(expression), int)
    positive = expression > 0
    if positive.any():
        # Of expressed genes only: the zeros of the others would make bins equal.
        inner = np.quantile(expression[positive], np.arange(1, n_bins) / n_bins)
        strata[positive] = 1 + np.searchsorted(inner, expression[positive], side="left")
    return strata


def joint_strata(*parts: np.ndarray) -> np.ndarray:
    """One number for each combination."""
    # reshape: one version of NumPy gives this inverse a second axis
    return np.unique(np.stack(parts, axis=1), axis=0, return_inverse=True)[1].reshape(
        -1
    )
