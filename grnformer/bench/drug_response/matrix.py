"""The screen as a matrix, and its additive part.

Shapes: L lines, D drugs. A screen is a dense L x D matrix (some hundreds by some hundreds) with NaN where a pair
was not measured; parts of a split are boolean L x D masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Matrix:
    """LN_IC50, L x D with NaN where not measured, with the names of its rows and columns (sorted)."""

    lines: list[str]
    drugs: list[str]
    values: np.ndarray

    @classmethod
    def from_table(cls, responses: pd.DataFrame) -> Matrix:
        """Build from a table of line, drug, ln_ic50 with unique pairs."""
        lines, drugs = sorted(responses["line"].unique()), sorted(responses["drug"].unique())
        values = np.full((len(lines), len(drugs)), np.nan)
        row, column = _codes(responses, lines, drugs)
        values[row, column] = responses["ln_ic50"]
        return cls(lines, drugs, values)

    def part_masks(self, split: pd.DataFrame, fold: str) -> dict[str, np.ndarray]:
        """Masks train, validation, test (L x D) of column `fold` of a split table."""
        row, column = _codes(split, self.lines, self.drugs)
        masks = {}
        for part in ("train", "validation", "test"):
            mask = np.zeros(self.values.shape, dtype=bool)
            chosen = (split[fold] == part).to_numpy()
            mask[row[chosen], column[chosen]] = True
            masks[part] = mask
        return masks


def _codes(table: pd.DataFrame, lines: list[str], drugs: list[str]) -> tuple[np.ndarray, np.ndarray]:
    row = pd.Categorical(table["line"], categories=lines).codes
    column = pd.Categorical(table["drug"], categories=drugs).codes
    return np.asarray(row, dtype=int), np.asarray(column, dtype=int)


def fit_additive(values: np.ndarray, mask: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Least-squares fit of mean + line effect + drug effect to the cells of `mask`.

    Exact for unbalanced tables: line effects are eliminated and the D x D normal equations solved with minimal
    norm. A line or drug without a cell has effect 0.

    Returns
    -------
    mean, line effects (L), drug effects (D)
    """
    weight = mask.astype(float)
    if not mask.any():
        return 0.0, np.zeros(mask.shape[0]), np.zeros(mask.shape[1])
    mean = float(values[mask].mean())
    centred = np.where(mask, values - mean, 0.0)
    per_line, per_drug = weight.sum(axis=1), weight.sum(axis=0)
    share = weight / np.maximum(per_line, 1)[:, None]  # L x D, rows sum to 1
    line_mean = centred.sum(axis=1) / np.maximum(per_line, 1)
    schur = np.diag(per_drug) - weight.T @ share
    drug_effect = np.linalg.lstsq(schur, centred.sum(axis=0) - weight.T @ line_mean, rcond=1e-10)[0]
    drug_effect[per_drug == 0] = 0.0
    line_effect = line_mean - share @ drug_effect
    return mean, line_effect, drug_effect


def remove_means(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Residuals (one per cell of `mask`, row-major) of the additive fit: line and drug means removed."""
    mean, line_effect, drug_effect = fit_additive(values, mask)
    return (values - mean - line_effect[:, None] - drug_effect[None, :])[mask]
