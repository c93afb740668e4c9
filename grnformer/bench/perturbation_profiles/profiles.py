"""Mean profiles of perturbations, of halves of their cells: what is scored, and what is not.

Controls are split: with the same controls in prediction and truth, their noise alone makes the two correlate. The
other half of a perturbation's cells is the ceiling, and chooses the genes that are scored.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.bench.perturbation_profiles.cells import (
    CONTROL,
    genes_of,
    perturbed_genes,
)
from grnformer.core.errors import InputError

log = logging.getLogger(__name__)

PARTS = ("all", "scored", "other")


def halve_cells(data: anndata.AnnData, seed: int) -> np.ndarray:
    """Whether each cell is in the half that is scored; halves are drawn within context, perturbation and batch.

    Parameters
    ----------
    data
        As `read_perturbed_cells` gives it.
    """
    rng = np.random.default_rng(seed)
    scored = np.zeros(data.n_obs, dtype=bool)
    batch = data.obs["batch"].to_numpy(str)
    for cells in _places(data.obs).values():
        order = rng.permutation(len(cells))
        # cells of one batch stand together, and go to the two halves in turn
        order = order[np.argsort(batch[cells[order]], kind="stable")]
        scored[cells[order[::2]]] = True
    return scored


def average_cells(
    data: anndata.AnnData, scored: np.ndarray, least: int
) -> anndata.AnnData:
    """Mean and variance of each perturbation's cells in each context: of all, and of its halves.

    Parameters
    ----------
    data
        As `read_perturbed_cells` gives it.
    scored
        See `halve_cells`.
    least
        Cells of a perturbation in a context; of fewer, no half says anything.

    Returns
    -------
    anndata.AnnData
        A row for each context, perturbation and part; X: means of log1p, layer `variance`; obs: `context`,
        `perturbation`, `part` (all, scored, other), `cells`.

    Raises
    ------
    InputError
        If a context has fewer than `least` control cells, or no perturbation with as many.
    """
    places = _places(data.obs)
    counted = pd.Series({name: len(cells) for name, cells in places.items()})
    few = counted[counted < least]
    if len(few):
        log.warning(
            "%d perturbations have fewer than %d cells and are left out, such as %s (%d)",
            len(few),
            least,
            few.index[0],
            few.iloc[0],
        )
    _check_contexts(counted, least)

    rows, means, variances = [], [], []
    for (context, perturbation), cells in places.items():
        if len(cells) < least:
            continue
        chosen = {
            "all": cells,
            "scored": cells[scored[cells]],
            "other": cells[~scored[cells]],
        }
        for part, numbers in chosen.items():
            mean, variance = _moments(data.X[numbers])
            rows.append((context, perturbation, part, len(numbers)))
            means.append(mean)
            variances.append(variance)
    obs = pd.DataFrame(rows, columns=["context", "perturbation", "part", "cells"])
    obs.index = obs.index.astype(str)
    return anndata.AnnData(
        np.array(means, np.float32),
        obs=obs,
        var=pd.DataFrame(index=data.var_names),
        layers={"variance": np.array(variances, np.float32)},
    )


def control_expression(data: anndata.AnnData, scored: np.ndarray) -> pd.DataFrame:
    """Perturbed genes in the control cells that are not scored, log1p; of those that are measured, beside the cell."""
    perturbed = perturbed_genes(data.obs["perturbation"])
    genes = [gene for gene in perturbed if gene in data.var_names]
    chosen = (data.obs["perturbation"] == CONTROL).to_numpy() & ~scored
    dense = data[chosen, genes].X.toarray()
    table = pd.DataFrame(dense, columns=genes)
    table.insert(0, "cell", data.obs_names[chosen])
    return table


def _places(obs: pd.DataFrame) -> dict[tuple[str, str], np.ndarray]:
    """(context, perturbation) -> numbers of its cells."""
    grouped = obs.reset_index(drop=True).groupby(
        ["context", "perturbation"], observed=True, sort=True
    )
    return {name: np.asarray(cells) for name, cells in grouped.indices.items()}


def _check_contexts(counted: pd.Series, least: int) -> None:
    for context, there in counted.groupby(level=0):
        cells = there.droplevel(0)
        enough = cells[cells >= least].index
        if CONTROL not in enough or len(enough) < 2:
            most = cells.sort_values(ascending=False).head(3).to_dict()
            raise InputError(
                f"context {context!r} has too few cells: {most}",
                f"{least} control cells, and as many of at least one perturbation",
                "lower bench.perturbation_profiles.least_cells, or leave the cells of this context out of the file",
            )


def _moments(rows: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Mean and unbiased variance of each column."""
    n = rows.shape[0]
    wide = rows.astype(np.float64)
    mean = np.asarray(wide.mean(axis=0)).ravel()
    square = np.asarray(wide.multiply(wide).sum(axis=0)).ravel()
    variance = np.maximum(square - n * mean**2, 0) / max(n - 1, 1)
    return mean, variance


class Moments(NamedTuple):
    """Of some perturbations: means and variances (perturbations, genes), numbers of cells (perturbations,)."""

    mean: np.ndarray
    variance: np.ndarray
    cells: np.ndarray


@dataclass(frozen=True)
class Screen:
    """Profiles of one context.

    Attributes
    ----------
    context
        Its name.
    perturbations
        Sorted names, without the control.
    genes
        Of the columns.
    all, scored, other
        Moments of all cells of each perturbation and of its halves.
    control_scored, control_other
        Mean of the control's halves, (genes,): the first belongs to the truth, the second to predictions.
    control_variance
        Of the second half's cells, (genes,).
    control_cells
        Number of cells of the second half.
    """

    context: str
    perturbations: list[str]
    genes: pd.Index
    all: Moments
    scored: Moments
    other: Moments
    control_scored: np.ndarray
    control_other: np.ndarray
    control_variance: np.ndarray
    control_cells: int

    @cached_property
    def differences(self) -> np.ndarray:
        """All cells of each perturbation less the predictions' half of the controls, (perturbations, genes)."""
        return self.all.mean - self.control_other

    @cached_property
    def truth(self) -> np.ndarray:
        """The scored half of each perturbation less the scored half of the controls."""
        return self.scored.mean - self.control_scored

    @cached_property
    def ceiling(self) -> np.ndarray:
        """The other half of each perturbation less the other half of the controls."""
        return self.other.mean - self.control_other

    @cached_property
    def targets(self) -> np.ndarray:
        """Whether each gene is itself perturbed, (perturbations, genes)."""
        found = np.zeros((len(self.perturbations), len(self.genes)), dtype=bool)
        for row, name in enumerate(self.perturbations):
            found[row] = self.genes.isin(genes_of(name))
        return found

    @cached_property
    def effect(self) -> np.ndarray:
        """Welch's t of the other half against the other half of controls, (perturbations, genes)."""
        return _welch(
            self.other,
            self.control_other,
            self.control_variance / self.control_cells,
        )

    @cached_property
    def specificity(self) -> np.ndarray:
        """Welch's t of the other half against those of all other perturbations taken together."""
        cells = self.other.cells[:, None].astype(float)
        rest = cells.sum() - cells
        summed = (cells * self.other.mean).sum(axis=0)
        squared = (cells * (self.other.variance + self.other.mean**2)).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (summed - cells * self.other.mean) / rest
            square = squared - cells * (self.other.variance + self.other.mean**2)
            variance = np.maximum(square / rest - mean**2, 0)
        return _welch(self.other, mean, variance / np.maximum(rest, 1))


def _welch(one: Moments, mean: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Difference over its standard error; 0 where both are constant."""
    spread = np.sqrt(one.variance / one.cells[:, None] + error)
    found = np.zeros_like(one.mean, dtype=float)
    return np.divide(one.mean - mean, spread, out=found, where=spread > 0)


def screens_of(profiles: anndata.AnnData) -> list[Screen]:
    """One `Screen` a context, in the order of their names."""
    return [
        _screen(profiles[profiles.obs["context"] == context], str(context))
        for context in sorted(set(profiles.obs["context"]))
    ]


def _screen(part: anndata.AnnData, context: str) -> Screen:
    moments, control = {}, {}
    names: list[str] = []
    for name in PARTS:
        rows = part[part.obs["part"] == name]
        is_control = (rows.obs["perturbation"] == CONTROL).to_numpy()
        control[name] = _as_moments(rows[is_control])
        rows = rows[~is_control]
        order = np.argsort(rows.obs["perturbation"].to_numpy(str))
        moments[name] = _as_moments(rows[order])
        names = rows.obs["perturbation"].to_numpy(str)[order].tolist()
    return Screen(
        context=context,
        perturbations=names,
        genes=part.var_names,
        all=moments["all"],
        scored=moments["scored"],
        other=moments["other"],
        control_scored=control["scored"].mean[0],
        control_other=control["other"].mean[0],
        control_variance=control["other"].variance[0],
        control_cells=int(control["other"].cells[0]),
    )


def _as_moments(rows: anndata.AnnData) -> Moments:
    return Moments(
        np.asarray(rows.X, dtype=float),
        np.asarray(rows.layers["variance"], dtype=float),
        rows.obs["cells"].to_numpy(),
    )
