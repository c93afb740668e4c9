"""Predictors of the difference from control that a perturbation makes, from training perturbations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from grnformer.bench.perturbation_profiles.cells import genes_of
from grnformer.bench.perturbation_profiles.split import split_perturbations

_TREES = 100
_COMPONENTS = 10
_PENALTY = 0.1


@dataclass(frozen=True)
class Fold:
    """Training and tested perturbations of one screen.

    Attributes
    ----------
    perturbations
        Names of all perturbations of the screen.
    genes
        Perturbed genes; those of a context are among them.
    differences
        From control, (perturbations, measured genes). Rows that are tested are never looked at.
    train, test
        Numbers of perturbations.
    """

    perturbations: Sequence[str]
    genes: list[str]
    differences: np.ndarray
    train: np.ndarray
    test: np.ndarray

    @classmethod
    def of(
        cls,
        perturbations: Sequence[str],
        genes: list[str],
        differences: np.ndarray,
        split: pd.DataFrame,
    ) -> Fold:
        """Fold from a split's rows of one fold; perturbations that it does not name are in neither part."""
        part = split.set_index("perturbation")["part"].reindex(perturbations)
        blanked = differences.copy()
        blanked[(part != "train").to_numpy()] = np.nan
        return cls(
            perturbations,
            genes,
            blanked,
            np.flatnonzero(part == "train"),
            np.flatnonzero(part == "test"),
        )

    @property
    def learned(self) -> np.ndarray:
        """Differences of the training perturbations."""
        return self.differences[self.train]

    @property
    def design(self) -> np.ndarray:
        """1 where a gene is perturbed, (perturbations, perturbed genes)."""
        place = {gene: at for at, gene in enumerate(self.genes)}
        found = np.zeros((len(self.perturbations), len(self.genes)))
        for row, name in enumerate(self.perturbations):
            found[row, [place[gene] for gene in genes_of(name)]] = 1
        return found

    def inner(self, n_folds: int, seed: int) -> list[Fold]:
        """Training perturbations split again, by genes."""
        names = [self.perturbations[row] for row in self.train]
        table = split_perturbations(names, "folds", n_folds, seed)
        return [
            Fold.of(self.perturbations, self.genes, self.differences, part)
            for _, part in table.groupby("fold")
        ]


class Fitted(NamedTuple):
    """Differences from control of tested perturbations, (tested, genes); the settings, and their error in training."""

    differences: np.ndarray
    settings: Mapping[str, Any]
    error: float


Head = Callable[..., np.ndarray]  # (fold, **settings) -> (tested, genes)


def fit(
    fold: Fold,
    head: Head,
    grid: Sequence[Mapping[str, Any]],
    inner: Sequence[Fold],
    truth: np.ndarray,
) -> Fitted:
    """Choose settings by the mean squared error over inner folds; predict the tested perturbations by them.

    Parameters
    ----------
    inner
        Folds of the training perturbations.
    truth
        (perturbations, genes), of training perturbations.
    """
    errors = [
        float(
            np.mean(
                [
                    np.mean((head(part, **each) - truth[part.test]) ** 2)
                    for part in inner
                ]
            )
        )
        for each in grid
    ]
    best = int(np.argmin(errors))
    return Fitted(head(fold, **grid[best]), grid[best], errors[best])


def train_mean(fold: Fold) -> np.ndarray:
    """The mean of all training perturbations, for each tested one."""
    return np.repeat(fold.learned.mean(axis=0, keepdims=True), len(fold.test), axis=0)


def no_change(fold: Fold) -> np.ndarray:
    """As the control."""
    return np.zeros((len(fold.test), fold.differences.shape[1]))


def matching_mean(fold: Fold) -> np.ndarray:
    """Mean over the perturbed genes of what each does alone; the training mean for those never seen alone.

    Vinas Torne et al. 2025 (Systema, doi 10.1038/s41587-025-02777-8).
    """
    return np.array([np.mean(parts, axis=0) for parts in _of_genes(fold)])


def additive(fold: Fold) -> np.ndarray:
    """Sum over the perturbed genes of what each does alone; the training mean for those never seen alone."""
    return np.array([np.sum(parts, axis=0) for parts in _of_genes(fold)])


def _of_genes(fold: Fold) -> list[list[np.ndarray]]:
    """For each tested perturbation, what each of its genes does alone; the training mean where that was not seen."""
    alone = {
        fold.perturbations[row]: fold.differences[row]
        for row in fold.train
        if len(genes_of(fold.perturbations[row])) == 1
    }
    mean = fold.learned.mean(axis=0)
    return [
        [alone.get(gene, mean) for gene in genes_of(fold.perturbations[row])]
        for row in fold.test
    ]


def linear_components(fold: Fold, measured: pd.Index) -> np.ndarray:
    """Linear in principal components of genes, both of the response and of the perturbed gene.

    Y = G W P' + b by ridge regression, with the components G of training responses and P the rows of G of the
    perturbed genes (Ahlmann-Eltze et al. 2025, doi 10.1038/s41592-025-02772-6). A perturbed gene that is not measured
    has no row: it gets b, the training mean.

    Parameters
    ----------
    measured
        Names of the columns of the differences.
    """
    mean = fold.learned.mean(axis=0)
    centred = (fold.learned - mean).T
    n = min(_COMPONENTS, min(centred.shape))
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    components = left[:, :n] * size[:n]

    column = measured.get_indexer(fold.genes)
    rows = np.where((column >= 0)[:, None], components[column], 0)
    of_perturbation = fold.design @ rows
    known = of_perturbation[fold.train]
    eye = _PENALTY * np.eye(n)
    outer = np.linalg.solve(components.T @ components + eye, components.T @ centred)
    weights = outer @ known @ np.linalg.inv(known.T @ known + eye)
    return mean + of_perturbation[fold.test] @ weights.T @ components.T


def kernel_ridge(
    fold: Fold, similarity: np.ndarray, penalty: float, common: float
) -> np.ndarray:
    """Each gene does something of its own and something that all do; alike genes do alike things.

    The effect of a combination is the sum of those of its genes, so that seen ones are added up.

    Parameters
    ----------
    similarity
        (perturbed genes, perturbed genes), 1 at most.
    penalty
        Of the regression: a similarity of 1 has no more weight than that.
    common
        Weight of what all genes do beside a similarity of 1; 0: a gene that is like none changes nothing.
    """
    alike = similarity + common
    # a gene is like itself, whether or not anything is known of it
    np.fill_diagonal(alike, 1 + common)
    design = fold.design
    kernel = design @ alike @ design.T
    within = kernel[np.ix_(fold.train, fold.train)]
    ridge = within + penalty * np.eye(len(fold.train))
    return kernel[np.ix_(fold.test, fold.train)] @ np.linalg.solve(ridge, fold.learned)


def nearest_neighbours(fold: Fold, features: np.ndarray, k: int) -> np.ndarray:
    """Mean of the k training perturbations with the most similar features.

    Parameters
    ----------
    features
        (perturbed genes, features); those of a combination are summed.
    """
    from sklearn.neighbors import KNeighborsRegressor

    rows = fold.design @ features
    model = KNeighborsRegressor(min(k, len(fold.train)), metric="cosine")
    return np.asarray(
        model.fit(rows[fold.train], fold.learned).predict(rows[fold.test])
    )


def grow_forest(fold: Fold, features: np.ndarray, seed: int) -> np.ndarray:
    """Random forest from summed features to principal components of the differences."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import RandomForestRegressor

    rows = np.column_stack([fold.design @ features, fold.design.sum(axis=1)])
    reduced = PCA(min(_COMPONENTS, len(fold.train) - 1), random_state=seed)
    responses = reduced.fit_transform(fold.learned)
    forest = RandomForestRegressor(
        _TREES, min_samples_leaf=2, max_features=0.3, random_state=seed, n_jobs=1
    )
    forest.fit(rows[fold.train], responses)
    predicted = forest.predict(rows[fold.test]).reshape(len(fold.test), -1)
    return np.asarray(reduced.inverse_transform(predicted))


def scale_reached(fold: Fold, reached: np.ndarray) -> np.ndarray:
    """The training mean, and what reaches a gene along a network, by the one factor that fits training best.

    Parameters
    ----------
    reached
        (perturbed genes, measured genes); of a combination the sum.
    """
    rows = fold.design @ reached
    mean = fold.learned.mean(axis=0)
    known = rows[fold.train]
    size = float((known**2).sum())
    factor = float((known * (fold.learned - mean)).sum()) / size if size else 0.0
    return mean + factor * rows[fold.test]
