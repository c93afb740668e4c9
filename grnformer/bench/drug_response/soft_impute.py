"""Matrix completion without features (Mazumder, Hastie & Tibshirani 2010, JMLR 11:2287)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from grnformer.bench.drug_response.matrix import fit_additive

_TOLERANCE = 1e-3  # relative change of the estimate at which a fit has converged
_MAX_ITERATIONS = 100
# for filling gaps of a response that is fitted afterwards: a tenth of the largest singular value
_MILD = [0.3, 0.2, 0.15, 0.1]


def soft_impute(
    values: np.ndarray, mask: np.ndarray, shrinkage: list[float]
) -> Iterator[np.ndarray]:
    """Yield predictions (L x D) for each shrinkage, strongest first: additive fit + low-rank interaction.

    The interaction is fitted to the residuals of the additive fit: missing cells are filled by the current
    estimate, whose singular values are shrunk, until it converges. Each fit starts from the one before.

    Parameters
    ----------
    values, mask
        LN_IC50 and which of it is known, L x D.
    shrinkage
        Falling fractions of the largest singular value of the zero-filled residuals, in (0, 1).
    """
    if sorted(shrinkage, reverse=True) != list(shrinkage):
        raise ValueError(f"shrinkage {shrinkage} must fall")
    additive = fit_additive(values, mask).predictions()
    residual = np.where(mask, values - additive, 0.0)

    # Shrinkage is relative to this value: one grid fits every fold.
    largest = float(np.linalg.norm(residual, 2))

    # Strongest shrinkage first: each fit starts near the next one's solution.
    estimate = np.zeros_like(residual)
    for fraction in shrinkage:
        for _ in range(_MAX_ITERATIONS):
            updated = _shrink(np.where(mask, residual, estimate), fraction * largest)
            moved, before = np.linalg.norm(updated - estimate), np.linalg.norm(estimate)
            estimate = updated
            if moved / max(float(before), 1e-12) < _TOLERANCE:
                break

        yield additive + estimate


def complete(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The values of `mask` (L x D), and what is missing filled by a low-rank fit to them, at a mild shrinkage."""
    *_, filled = soft_impute(values, mask, _MILD)
    return np.where(mask, values, filled)


class Completion:
    """`complete` of one matrix: a mask that comes again, of another predictor, is not fitted again."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self._filled: dict[bytes, np.ndarray] = {}

    def of(self, mask: np.ndarray) -> np.ndarray:
        """The values of `mask` (L x D), and what is missing filled; not to be written to."""
        key = mask.tobytes()
        if key not in self._filled:
            self._filled[key] = complete(self.values, mask)
        return self._filled[key]


def _shrink(matrix: np.ndarray, threshold: float) -> np.ndarray:
    """Singular values less `threshold`, at least 0; through the Gram matrix of the short side, which is cheap."""
    if matrix.shape[0] < matrix.shape[1]:
        return _shrink(matrix.T, threshold).T
    squared, right = np.linalg.eigh(matrix.T @ matrix)

    # No eigenvalue is negative but by rounding.
    singular = np.sqrt(np.maximum(squared, 0.0))
    kept = singular > threshold

    # Left vectors follow from the right ones: no second decomposition.
    factor = (singular[kept] - threshold) / singular[kept]
    return (matrix @ (right[:, kept] * factor)) @ right[:, kept].T
