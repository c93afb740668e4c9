"""From files to predictions, and from predictions to scores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from grnformer.bench.intervals import ALL
from grnformer.bench.metrics import SCORE_COLUMNS
from grnformer.bench.perturbation import knowledge
from grnformer.bench.perturbation.arms import (
    Fitted,
    Split,
    Task,
    kind_of,
    predict_labels,
    propagated_arms,
)
from grnformer.bench.perturbation.evidence import Knowledge
from grnformer.bench.perturbation.labels import Labels
from grnformer.bench.perturbation.within import (
    Pairs,
    pair_within_genes,
    pooled_auroc,
    resample_within_genes,
    sample_perturbations,
    within_gene_auroc,
)
from grnformer.core.errors import InputError

BENCHMARK = "perturbation"
DIRECTIONS = "directions"
_KNOWN = ["perturbation", "gene", "positive"]
# arms in the units of a response, which is a label less its gene's rate
_WITHOUT_RATE = ("gene_rate", "expression", "propagation", "network_")


def predict_screen(
    labels: Labels,
    label: str,
    known: Knowledge,
    expression: pd.DataFrame,
    n_folds: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict the tested pairs by all arms that need no trained model or network of a dataset.

    Parameters
    ----------
    label
        effects or directions.

    Returns
    -------
    Table by contract ``perturbation_predictions``, and arm, settings, training_auroc.
    """
    known.check(labels.perturbations.tolist())
    task = Task.of(labels, label == DIRECTIONS, n_folds, seed)
    fitted = predict_labels(task, known, expression, seed)
    return predictions_table(task.split, fitted), choices_table(fitted)


def predict_by_network(
    labels: Labels, label: str, tf_gene: pd.DataFrame, dataset: str, seed: int
) -> pd.DataFrame:
    """Predict the tested pairs by signed propagation on a dataset's network and on its rewired form.

    Parameters
    ----------
    tf_gene
        Contract ``tf_gene``; the sign is that of rho.
    """
    split = Split.of(labels, label == DIRECTIONS)
    pairs = signed_pairs(tf_gene)
    _check_network(pairs, labels, dataset)
    rewired = knowledge.rewire_pairs(pairs, np.random.default_rng(seed))
    fitted = propagated_arms(split, pairs, rewired, f"network_{dataset}")
    return predictions_table(split, fitted)


def signed_pairs(tf_gene: pd.DataFrame) -> pd.DataFrame:
    """Edges of a network as source, target, sign, weight.

    Parameters
    ----------
    tf_gene
        Contract ``tf_gene``; the sign is that of rho, edges without importance are left out.
    """
    pairs = pd.DataFrame(
        {
            "source": tf_gene["tf"],
            "target": tf_gene["gene"],
            "sign": np.sign(tf_gene["rho"]),
            "weight": tf_gene["importance"],
        }
    )
    return pairs[pairs["weight"] > 0].reset_index(drop=True)


def _check_network(pairs: pd.DataFrame, labels: Labels, dataset: str) -> None:
    """Raise InputError if no perturbed gene is a TF of the network, or no labelled gene a target."""
    for column, genes, role in (
        ("source", labels.perturbations, "perturbed genes are TFs"),
        ("target", labels.genes, "labelled genes are targets"),
    ):
        if not np.isin(genes, pairs[column]).any():
            raise InputError(
                f"none of {len(genes):,} {role} in the network of {dataset}; there: {sorted(set(pairs[column]))[:3]}",
                f"symbols as the screen has them, such as {genes[0]}",
                f"leave {dataset} out of bench.perturbation.networks, or give a screen of its species",
            )


def predictions_table(split: Split, fitted: Mapping[str, Fitted]) -> pd.DataFrame:
    """All tested pairs with the score of each arm, by contract ``perturbation_predictions``.

    The gene's training rate is added to what learns responses: within genes it changes nothing, and pooled it makes
    the score that of a label.
    """
    labels, tested = split.labels, split.labels.tested
    known = {
        "perturbation": labels.perturbations[labels.perturbation[tested]],
        "gene": labels.genes[labels.gene[tested]],
        "positive": labels.positive[tested],
    }
    scores = {
        arm: found.scores + (0 if arm.startswith(_WITHOUT_RATE) else split.rate())
        for arm, found in fitted.items()
    }
    return pd.DataFrame(known | scores)


def choices_table(fitted: Mapping[str, Fitted]) -> pd.DataFrame:
    """Arm, settings (key=value, ...), training_auroc."""
    rows = [
        (
            arm,
            ", ".join(f"{key}={value}" for key, value in found.settings.items())
            or None,
            found.inner,
        )
        for arm, found in fitted.items()
    ]
    return pd.DataFrame(rows, columns=["arm", "settings", "training_auroc"])


def score_predictions(
    predictions: pd.DataFrame, task: str, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Score every arm: AUROC within genes with its resamples of perturbations, and pooled AUROC.

    All arms of a task get the same resamples, and are compared resample by resample.

    Returns
    -------
    Table by contract ``scores``.
    """
    positive = predictions["positive"].to_numpy(bool)
    pairs = pair_within_genes(predictions["gene"].to_numpy(), positive)
    weights = sample_perturbations(
        predictions["perturbation"].to_numpy(), n_resamples, seed
    )
    arms = [column for column in predictions.columns if column not in _KNOWN]
    parts = []
    for arm in arms:
        score = predictions[arm].to_numpy(float)
        within = _within(score, pairs, weights)
        pooled = pd.DataFrame(
            {"metric": "pooled_auroc", "member": [ALL], "n": len(positive)}
        ).assign(value=pooled_auroc(score, positive))
        both = pd.concat([within, pooled], ignore_index=True)
        parts.append(both.assign(arm=arm, kind=kind_of(arm)))
    scores = pd.concat(parts, ignore_index=True)
    scores = scores.assign(benchmark=BENCHMARK, task=task, unit="resample")
    return scores[SCORE_COLUMNS]


def _within(score: np.ndarray, pairs: Pairs, weights: np.ndarray) -> pd.DataFrame:
    resampled = resample_within_genes(score, pairs, weights)
    members = [ALL, *(f"{number:04d}" for number in range(1, len(resampled) + 1))]
    return pd.DataFrame(
        {
            "metric": "within_gene_auroc",
            "member": members,
            "value": [within_gene_auroc(score, pairs), *resampled],
            # genes with both labels
            "n": pairs.n_genes,
        }
    )
