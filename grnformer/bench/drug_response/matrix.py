"""The screen as a matrix, and its additive part.

Shapes: L lines, D drugs. A screen is a dense L x D matrix (some hundreds by some hundreds) with NaN where a pair
was not measured; parts of a split are boolean L x D masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

Parts = dict[str, np.ndarray]  # masks train, validation, test, L x D


@dataclass(frozen=True)
class Matrix:
    """LN_IC50, L x D with NaN where not measured, with the names of its rows and columns (sorted).

    Attributes
    ----------
    lines, drugs
        Names of rows and columns.
    values
        What is predicted.
    training
        What predictors learn from: the same, or the values of another screen.
    """

    lines: list[str]
    drugs: list[str]
    values: np.ndarray
    training: np.ndarray

    @classmethod
    def from_table(
        cls, responses: pd.DataFrame, source: pd.DataFrame | None = None
    ) -> Matrix:
        """Build from line, drug, ln_ic50 with unique pairs, and the same of the screen to train on, if another.

        Raises
        ------
        InputError
            If the screen to train on has the very values of the one that is predicted.
        """
        tables = [responses] if source is None else [responses, source]
        pairs = pd.concat([table[["line", "drug"]] for table in tables])
        lines, drugs = sorted(pairs["line"].unique()), sorted(pairs["drug"].unique())

        filled = []
        for table in tables:
            filled.append(np.full((len(lines), len(drugs)), np.nan))
            filled[-1][_places(table, lines, drugs)] = table["ln_ic50"]
        predicted, training = filled[0], filled[-1]
        both = np.isfinite(predicted) & np.isfinite(training)
        alike = both.any() and (predicted[both] == training[both]).all()
        if source is not None and alike:
            raise InputError(
                f"another screen with the very values of the first in all {both.sum()} pairs that both have",
                "two screens, each measured by itself",
                "give another one as bench.drug_response.other_screen, or leave the split screen out",
            )
        return cls(lines, drugs, predicted, training)

    def part_masks(self, split: pd.DataFrame, fold: str) -> Parts:
        """Masks train, validation, test (L x D) of column `fold` of a split table.

        They are apart, but for a protocol that chooses on what it tests (`CHOSEN_ON_TEST`). Only pairs that were
        measured count: in the screen to train on, and for the test in the one that is predicted.
        """
        masks = {}
        row, column = _places(split, self.lines, self.drugs)
        # Pairs are many, and what they are for is one of few words.
        words = split[fold].unique()
        for part in ("train", "validation", "test"):
            chosen = split[fold].isin([word for word in words if part in word])
            mask = np.zeros(self.values.shape, dtype=bool)
            mask[row[chosen], column[chosen]] = True
            measured = self.values if part == "test" else self.training
            masks[part] = mask & np.isfinite(measured)
        return masks


def blank_tested(values: np.ndarray, parts: Parts) -> np.ndarray:
    """The values without those that are tested, unless the protocol chooses by them (`deepcdr`)."""
    return np.where(parts["test"] & ~parts["validation"], np.nan, values)


def known_pairs(parts: Parts) -> np.ndarray:
    """What may be fitted once settings are chosen: train and validation, less what is tested."""
    return np.asarray(parts["train"] | (parts["validation"] & ~parts["test"]))


def _places(
    pairs: pd.DataFrame, lines: list[str], drugs: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each pair of a table."""
    row = pd.Index(lines).get_indexer(pairs["line"])
    return row, pd.Index(drugs).get_indexer(pairs["drug"])


class Additive(NamedTuple):
    """Mean, line effects (L,) and drug effects (D,) of a screen."""

    mean: float
    line: np.ndarray
    drug: np.ndarray

    def predictions(self) -> np.ndarray:
        """Their sum for every pair, L x D."""
        return self.mean + self.line[:, None] + self.drug


def fit_additive(values: np.ndarray, mask: np.ndarray) -> Additive:
    """Least-squares fit of mean + line effect + drug effect to the pairs of `mask`.

    Exact for unbalanced tables. A line or drug without a pair has effect 0.
    """
    if not mask.any():
        return Additive(0.0, np.zeros(mask.shape[0]), np.zeros(mask.shape[1]))
    weight = mask.astype(float)

    mean = float(values[mask].mean())
    centred = np.where(mask, values - mean, 0.0)
    per_drug = weight.sum(axis=0)
    # A line without a pair has a sum of 0: over 1, its mean is 0 too.
    per_line = np.maximum(weight.sum(axis=1), 1)
    line_mean = centred.sum(axis=1) / per_line

    # Given the drug effects, a line's effect is the mean of what they leave: put into the normal equations, it leaves
    # a D x D system. It is singular, since a constant may move between lines and drugs: the solution of minimal norm
    # is taken.
    fraction = weight / per_line[:, None]  # L x D, rows sum to 1
    schur = np.diag(per_drug) - weight.T @ fraction
    right_side = centred.sum(axis=0) - weight.T @ line_mean
    drug_effect = np.linalg.lstsq(schur, right_side, rcond=1e-10)[0]
    # Already 0 but for rounding: the drug's row of the system is 0.
    drug_effect[per_drug == 0] = 0.0
    return Additive(mean, line_mean - fraction @ drug_effect, drug_effect)


def remove_means(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Residuals (one a pair of `mask`, row-major) of the additive fit: line and drug means removed."""
    mean, line_effect, drug_effect = fit_additive(values, mask)
    return (values - mean - line_effect[:, None] - drug_effect)[mask]


def known_means(values: np.ndarray, known: np.ndarray, axis: int) -> np.ndarray:
    """Means of the known values over lines (axis 0) or drugs (1); the global mean where none is known."""
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    mean = total / np.maximum(count, 1)
    return np.where(count > 0, mean, values[known].mean())
