"""What a network is worth as features: TF activities of lines by its regulons, right against rewired ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from grnformer.bench.controls import rewired_name
from grnformer.bench.drug_response.heads import PENALTIES
from grnformer.bench.drug_response.informed import fit_ridge, line_ridge
from grnformer.bench.drug_response.matrix import (
    Matrix,
    Parts,
    blank_tested,
)
from grnformer.bench.drug_response.metrics import double_centred_pearson
from grnformer.bench.drug_response.soft_impute import Completion
from grnformer.bench.drug_response.split import fold_columns
from grnformer.bench.drug_response.tf_activity import (
    regulon_weights,
    rewire_regulons,
    score_activity,
)
from grnformer.bench.metrics import SCORE_COLUMNS
from grnformer.core.errors import InputError
from grnformer.grn.prior import prepare_prior

logger = logging.getLogger(__name__)
BENCHMARK = "network_features"
METRIC = "double_centred_pearson"
Features = Callable[[np.ndarray], np.ndarray]


def known_network(
    prior: pd.DataFrame, collections: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Name of an arm -> tf, gene, sign of the known targets in these collections; none: in all.

    Raises
    ------
    InputError
        If the prior has no pair of a collection, by which the arm would be named.
    """
    there = set(prior["sources"].str.split(";").explode())
    absent = [name for name in collections if name not in there]
    if absent:
        raise InputError(
            f"no pair of the prior from {absent}",
            f"collections among its sources, such as {sorted(there)[:8]}",
            "correct bench.drug_response.network_features.collections",
        )
    pairs = prepare_prior(prior, collections=collections, chip_sources=[], chip="keep")
    return {" and ".join(collections) or "prior": pairs}


def edges_of_eregulons(eregulons: pd.DataFrame) -> pd.DataFrame:
    """TF-gene pairs of eRegulons (tf, gene, sign), each once; a pair with both signs has none."""
    represses = eregulons["eregulon"].str.contains("_-/", regex=False)
    signed = eregulons[["tf", "gene"]].assign(sign=np.where(represses, -1, 1))
    pairs = signed.drop_duplicates().groupby(["tf", "gene"], sort=True)["sign"].sum()
    return pairs.reset_index()


def score_network_features(
    responses: pd.DataFrame,
    expression: pd.DataFrame,
    splits: Mapping[str, pd.DataFrame],
    networks: Mapping[str, pd.DataFrame],
    *,
    min_targets: int,
    rewirings: int,
    seed: int,
) -> pd.DataFrame:
    """Score ridge regression on TF activities, one model a drug, beside the same on all genes.

    Parameters
    ----------
    responses
        line, drug, ln_ic50.
    expression
        Lines x genes.
    splits
        Split -> parts, of splits that leave whole lines out.
    networks
        Arm -> tf, gene, sign.
    min_targets
        Measured targets a TF must have.
    rewirings
        Rewired networks behind a control; its value in a fold is their mean.
    seed
        Of the rewiring.

    Returns
    -------
    Table by contract ``scores``; a member is a fold. Arm ``all genes`` is the baseline.

    Raises
    ------
    InputError
        If a network has no TF with enough measured targets.
    """
    matrix = Matrix.from_table(responses)
    table = expression.loc[matrix.lines]
    arms = _arms(table, networks, min_targets, rewirings, seed)

    rows = []
    for split, parts in splits.items():
        for fold in fold_columns(parts):
            masks = matrix.part_masks(parts, fold)
            member, n_pairs = fold.removeprefix("fold_"), int(masks["test"].sum())
            for (arm, kind), several in arms.items():
                values = [_score(matrix.values, masks, one) for one in several]
                named = BENCHMARK, split, arm, kind, METRIC, "fold", member
                rows.append([*named, float(np.mean(values)), n_pairs])
            logger.info("split %s, %s: done", split, fold)
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def _arms(
    expression: pd.DataFrame,
    networks: Mapping[str, pd.DataFrame],
    min_targets: int,
    rewirings: int,
    seed: int,
) -> dict[tuple[str, str], list[Features]]:
    """(arm, kind) -> one way to features, or several whose scores are averaged."""
    values = expression.to_numpy(dtype=float)
    arms: dict[tuple[str, str], list[Features]] = {
        ("all genes", "baseline"): [lambda _: values]
    }
    for name, edges in networks.items():
        measured = edges[edges["gene"].isin(expression.columns)]
        rng = np.random.default_rng(seed)
        several = [
            measured,
            *(rewire_regulons(measured, rng) for _ in range(rewirings)),
        ]
        weights = [
            regulon_weights(each, expression.columns, min_targets) for each in several
        ]
        if not len(weights[0]):
            raise InputError(
                f"network {name!r} with no TF of {min_targets} targets among {expression.shape[1]} genes",
                "a network in the symbols of the expression",
                "lower bench.drug_response.network_features.min_targets, or leave its splits empty",
            )
        logger.info(
            "network %s: %d TFs, %d edges", name, len(weights[0]), len(measured)
        )
        right, *rewired = [_activity(values, each.to_numpy()) for each in weights]
        arms[name, "model"] = [right]
        arms[rewired_name(name), "control"] = rewired
    return arms


def _activity(values: np.ndarray, weights: np.ndarray) -> Features:
    """Features from the lines that are fitted on (boolean, L): genes are standardised over these."""

    def activity(known: np.ndarray) -> np.ndarray:
        sd = values[known].std(axis=0)
        scaled = (values - values[known].mean(axis=0)) / np.where(sd > 0, sd, 1.0)
        return score_activity(scaled, weights)

    return activity


def _score(values: np.ndarray, parts: Parts, make: Features) -> float:
    """Double-centred Pearson of one fold's tested pairs."""
    blanked = blank_tested(values, parts)
    features = make(np.asarray(parts["train"].any(axis=1)))
    ridge = line_ridge(Completion(blanked), [features], covariance=False)
    fit = fit_ridge(blanked, parts, PENALTIES, ridge)
    return double_centred_pearson(values, fit.final, parts["test"])
