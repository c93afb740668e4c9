"""Counts that follow the planted network: TF activity of each cell, RNA and ATAC drawn from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import scipy.sparse as sp


def draw_activity(
    types: np.ndarray, active: np.ndarray, within_sd: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw the activity of each TF in each cell: cells x TFs in (0, 1).

    The type sets the mean (high where the TF is active, low elsewhere); each cell and TF varies around it on
    the logit scale with SD `within_sd`, so that a network shows within a cell type too.

    Parameters
    ----------
    types
        Type number of each cell.
    active
        TFs x types, boolean.
    """
    # logits: inactive TFs stay near 0, active ones vary around the steepest part of the curve
    of_type = np.where(active.T, 0.5, -4.0)
    mean = of_type[types]
    logit = mean + within_sd * rng.standard_normal(mean.shape)
    return 1 / (1 + np.exp(-logit))


def draw_blocks(
    log_rates: Iterable[np.ndarray],
    of_cells: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> sp.csr_matrix:
    """Draw counts of cells whose rates come block by block; `of_cells` are `draw_counts`'s next four arguments."""
    import scipy.sparse as sp

    drawn = [draw_counts(log_rate, *of_cells, rng) for log_rate in log_rates]
    return sp.vstack(drawn, format="csr")


def draw_counts(
    log_rate: np.ndarray,
    per_cell: float,
    depth_sd: float,
    dispersion: float,
    dropout: float,
    rng: np.random.Generator,
) -> sp.csr_matrix:
    """Draw negative binomial counts, cells x features.

    Parameters
    ----------
    log_rate
        Cells x features; each row is scaled to its cell's depth.
    per_cell
        Median expected total of a cell.
    depth_sd
        SD of the cells' log depth.
    dispersion
        Variance is mean + dispersion * mean squared; 0 for Poisson.
    dropout
        Fraction of entries set to zero on top.
    """
    import scipy.sparse as sp

    # only ratios within a cell count: less the largest, no exponential overflows
    highest = log_rate.max(axis=1, keepdims=True)
    rate = np.exp(log_rate - highest)
    log_depth = depth_sd * rng.standard_normal(len(rate))
    depth = per_cell * np.exp(log_depth)
    mean = rate / rate.sum(axis=1, keepdims=True) * depth[:, None]

    # a negative binomial is a Poisson whose mean is gamma distributed
    if dispersion > 0:
        mean = rng.gamma(1 / dispersion, mean * dispersion)
    counts = rng.poisson(mean).astype(np.int32)

    lost = rng.random(counts.shape) < dropout
    counts[lost] = 0
    return sp.csr_matrix(counts)
