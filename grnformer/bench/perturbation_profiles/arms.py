"""The arms: naive predictors, similarities of the perturbed genes, networks; every setting chosen in training."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from grnformer.bench.controls import REWIRED, rewired_name
from grnformer.bench.perturbation import similarity
from grnformer.bench.perturbation.arms import GRAPHS, MODEL, SMOOTHED, mix
from grnformer.bench.perturbation.evidence import (
    Knowledge,
    describe_genes,
    mean_expression,
)
from grnformer.bench.perturbation.in_silico import IN_SILICO, reached_by_model
from grnformer.bench.perturbation.propagate import propagate
from grnformer.bench.perturbation_profiles import heads
from grnformer.bench.perturbation_profiles.evaluate import CEILING
from grnformer.bench.perturbation_profiles.heads import Fitted, Fold
from grnformer.graph.modes.degree_preserving import rewire_pairs

BASELINES = (
    "no_change",
    "train_mean",
    "matching_mean",
    "additive",
    "linear_components",
    "expression",
    "letters",
    "coexpression",
    "letters_coexpression",
    "nearest_neighbours",
    "random_forest",
)
#: arm -> similarity and its weight
SIMILARITIES = {"expression": {"expression": 1.0}} | SMOOTHED
_PENALTIES = [
    {"penalty": penalty, "common": common}
    for common in (0, 0.3, 3)
    for penalty in (0.1, 0.3, 1, 3, 10)
]
_NEIGHBOURS = [{"k": k} for k in (1, 3, 5, 15)]
_FOLDS = 3


class Evidence(NamedTuple):
    """What is known of perturbed genes, none of it from a perturbation.

    Attributes
    ----------
    similarities
        Name -> (genes, genes); of graphs as they are.
    rewired
        The same for graphs whose links are rewired.
    features
        (genes, features).
    reached
        Arm -> (genes, measured genes): what reaches a measured gene along a network, or shifts it in a model.
    """

    similarities: Mapping[str, np.ndarray]
    rewired: Mapping[str, np.ndarray]
    features: np.ndarray
    reached: Mapping[str, np.ndarray]


def kind_of(arm: str, controls: Collection[str] = ()) -> str:
    """Kind of an arm in the contract ``scores``.

    Parameters
    ----------
    controls
        Arms of pretraining without a graph of the data.
    """
    if arm == CEILING:
        return "reference"
    trained = arm.removeprefix(MODEL).removesuffix(IN_SILICO)
    if arm.endswith(REWIRED) or trained in controls:
        return "control"
    return "baseline" if arm in BASELINES else "model"


def gather_evidence(
    known: Knowledge,
    expression: pd.DataFrame,
    genes: Sequence[str],
    measured: Sequence[str],
    networks: Mapping[str, pd.DataFrame],
    embeddings: Mapping[str, Sequence[pd.DataFrame]],
    seed: int,
    shifts: Mapping[str, Sequence[pd.DataFrame]] | None = None,
) -> Evidence:
    """What the arms know of perturbed genes.

    Parameters
    ----------
    expression
        (cells, genes), log1p: unperturbed cells.
    genes, measured
        Perturbed genes; genes of the profiles.
    networks
        Arm -> source, target, sign, weight.
    embeddings
        Arm of pretraining -> tables by contract ``gene_embedding``, one a seed, whose similarities are averaged.
    seed
        Of rewiring.
    shifts
        Arm of pretraining -> tables by contract ``set_screen``, one a seed: what the models make of the perturbations.
    """
    rewired = known.rewired(seed)
    level = mean_expression(expression, genes)
    plain = {
        "expression": _alike(level[:, None]),
        "letters": similarity.share_letters(genes),
        "coexpression": similarity.co_expression(expression, genes),
    }
    plain |= {
        MODEL + arm: _embedded(tables, genes) for arm, tables in embeddings.items()
    }
    rng = np.random.default_rng(seed)
    edges = {"propagation": known.prior, rewired_name("propagation"): rewired.prior}
    for arm, pairs in networks.items():
        edges |= {arm: pairs, rewired_name(arm): rewire_pairs(pairs, rng)}
    reached = {
        arm: propagate(pairs, np.array(genes), np.array(measured), signed=True)
        for arm, pairs in edges.items()
    }
    reached |= {
        MODEL + arm + IN_SILICO: reached_by_model(tables, genes, measured)
        for arm, tables in (shifts or {}).items()
    }
    return Evidence(
        plain | known.similarities(genes),
        plain | rewired.similarities(genes),
        describe_genes(known, expression, genes),
        reached,
    )


def _alike(features: np.ndarray) -> np.ndarray:
    """Gaussian similarity of standardised features, (genes, genes)."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    squared = ((scaled[:, None] - scaled[None]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-squared / 2), dtype=np.float32)


def _embedded(tables: Sequence[pd.DataFrame], genes: Sequence[str]) -> np.ndarray:
    alike = [
        similarity.share_embedding(table.set_index("gene"), genes) for table in tables
    ]
    return np.asarray(np.mean(alike, axis=0), dtype=np.float32)


def predict(
    fold: Fold, evidence: Evidence, measured: pd.Index, seed: int
) -> dict[str, Fitted]:
    """Predict the tested perturbations of a fold by every arm.

    Parameters
    ----------
    measured
        Genes of the profiles.
    seed
        Of inner folds and forests.
    """
    inner = fold.inner(_FOLDS, seed)
    truth = fold.differences
    chosen = partial(heads.fit, fold, inner=inner, truth=truth)

    found = {
        name: Fitted(head(fold), {}, np.nan)
        for name, head in (
            ("no_change", heads.no_change),
            ("train_mean", heads.train_mean),
            ("matching_mean", heads.matching_mean),
            ("additive", heads.additive),
            ("linear_components", partial(heads.linear_components, measured=measured)),
        )
    }
    neighbours = partial(heads.nearest_neighbours, features=evidence.features)
    forest = heads.grow_forest(fold, evidence.features, seed)
    found["nearest_neighbours"] = chosen(neighbours, _NEIGHBOURS)
    found["random_forest"] = Fitted(forest, {}, np.nan)

    models = [arm for arm in sorted(evidence.similarities) if arm.startswith(MODEL)]
    weights = SIMILARITIES | {arm: {arm: 1.0} for arm in models}
    for arm, given in weights.items():
        parts = {name: weight / sum(given.values()) for name, weight in given.items()}
        found[arm] = chosen(_ridge(mix(evidence.similarities, parts)), _PENALTIES)
        if set(parts) & set(GRAPHS):
            wrong = _ridge(mix(evidence.rewired, parts))
            found[rewired_name(arm)] = chosen(wrong, _PENALTIES)
    for arm, reached in evidence.reached.items():
        found[arm] = Fitted(heads.scale_reached(fold, reached), {}, np.nan)
    return found


def _ridge(similarity_of_genes: np.ndarray) -> Any:
    return partial(heads.kernel_ridge, similarity=similarity_of_genes)
