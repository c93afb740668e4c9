"""From files to predictions, and from predictions to scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from grnformer.bench.intervals import ALL
from grnformer.bench.metrics import SCORE_COLUMNS
from grnformer.bench.perturbation import similarity
from grnformer.bench.perturbation.arms import (
    MODEL,
    SEED,
    Fitted,
    Split,
    Task,
    kind_of,
    model_arms,
    predict_labels,
    propagated_arms,
)
from grnformer.bench.perturbation.evidence import Knowledge
from grnformer.bench.perturbation.in_silico import IN_SILICO, score_pairs
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
from grnformer.graph.modes.degree_preserving import rewire_pairs

BENCHMARK = "perturbation"
DIRECTIONS = "directions"
EMBEDDED = ", embedded"  # the task of perturbations that the models embed
_KNOWN = ["perturbation", "gene", "positive", "embedded"]
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
    rewired = rewire_pairs(pairs, np.random.default_rng(seed))
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


def predict_by_model(
    labels: Labels,
    label: str,
    embeddings: Sequence[pd.DataFrame],
    known: Knowledge,
    expression: pd.DataFrame,
    arm: str,
    n_folds: int,
    seed: int,
    shifts: Sequence[pd.DataFrame] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict the tested pairs by embeddings of the perturbed genes, one a pretraining seed of one arm.

    A perturbed gene without an embedding scores as the average does. With `shifts` also by the models' own
    perturbations, by which nothing is fitted.

    Parameters
    ----------
    embeddings
        By contract ``gene_embedding``, in the order of the seeds.
    arm
        Name of the arm of pretraining.
    shifts
        By contract ``set_screen``, in the order of the seeds.

    Returns
    -------
    As `predict_screen`, with ``embedded`` of each pair; columns and choices are named by arm and seed, from 1 on.

    Raises
    ------
    InputError
        If fewer than two perturbed genes have an embedding.
    """
    task = Task.of(labels, label == DIRECTIONS, n_folds, seed)
    genes = labels.perturbations.tolist()
    others = known.similarities(genes)
    others["coexpression"] = similarity.co_expression(expression, genes)

    fitted: dict[str, Fitted] = {}
    embedded = np.ones(len(genes), dtype=bool)
    for number, table in enumerate(embeddings, start=1):
        vectors = table.set_index("gene")
        embedded &= np.isin(genes, vectors.index)
        _check_embedded(embedded, genes, vectors.index, arm)
        alike = similarity.share_embedding(vectors, genes)
        found = model_arms(task, alike, others, MODEL + arm)
        fitted |= {f"{name}{SEED}{number}": one for name, one in found.items()}

    for number, table in enumerate(shifts, start=1):
        own = score_pairs(labels, table, label == DIRECTIONS)
        fitted[f"{MODEL}{arm}{IN_SILICO}{SEED}{number}"] = Fitted(own, {}, np.nan)

    predictions = predictions_table(task.split, fitted)
    of_pair = embedded[labels.perturbation[labels.tested]]
    return predictions.assign(embedded=of_pair), choices_table(fitted)


def _check_embedded(
    embedded: np.ndarray, genes: list[str], there: pd.Index, arm: str
) -> None:
    if embedded.sum() < 2:
        raise InputError(
            f"{embedded.sum()} of {len(genes):,} perturbed genes are among the {len(there):,} that arm {arm} embeds; "
            f"there: {', '.join(there[:3])}",
            f"symbols as the screen has them, such as {genes[0]}",
            "set bench.perturbation.models to null, or give a screen of the models' species",
        )


def _check_network(pairs: pd.DataFrame, labels: Labels, dataset: str) -> None:
    """Raise InputError if no perturbed gene is a TF of the network, or no labelled gene a target."""
    for column, genes, role in (
        ("source", labels.perturbations, "perturbed genes are TFs"),
        ("target", labels.genes, "labelled genes are targets"),
    ):
        # by hash: numpy compares objects one by one, minutes for a dense network
        if not pd.Index(genes).isin(pairs[column]).any():
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
        arm: found.scores + (0 if _is_without_rate(arm) else split.rate())
        for arm, found in fitted.items()
    }
    return pd.DataFrame(known | scores)


def _is_without_rate(arm: str) -> bool:
    return arm.startswith(_WITHOUT_RATE) or IN_SILICO in arm


def settings_text(settings: Mapping[str, Any]) -> str | None:
    """key=value, ...; None where there is nothing to choose."""
    return ", ".join(f"{key}={value}" for key, value in settings.items()) or None


def choices_table(fitted: Mapping[str, Fitted]) -> pd.DataFrame:
    """Arm, settings (key=value, ...), training_auroc."""
    rows = [
        (arm, settings_text(found.settings), found.inner)
        for arm, found in fitted.items()
    ]
    return pd.DataFrame(rows, columns=["arm", "settings", "training_auroc"])


def score_screen(
    tables: Sequence[tuple[pd.DataFrame, str | None]],
    task: str,
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Score predictions of one task; where models are among them, also on the perturbations that all of them embed.

    Parameters
    ----------
    tables
        Predictions of the same pairs, each with the kind of its arms (see `score_predictions`).
    """
    whole = [
        score_predictions(table, task, n_resamples, seed, kind)
        for table, kind in tables
    ]
    of_models = [table["embedded"] for table, _ in tables if "embedded" in table]
    if of_models:
        both = np.logical_and.reduce(of_models)
        whole += [
            score_predictions(table[both], task + EMBEDDED, n_resamples, seed, kind)
            for table, kind in tables
        ]
    return pd.concat(whole, ignore_index=True)


def score_predictions(
    predictions: pd.DataFrame,
    task: str,
    n_resamples: int,
    seed: int,
    kind: str | None = None,
) -> pd.DataFrame:
    """Score every arm: AUROC within genes with its resamples of perturbations, and pooled AUROC.

    All arms of a task get the same resamples, and are compared resample by resample. Of an arm with several
    pretraining seeds, values are means over them; AUROC within genes is also given by seed.

    Parameters
    ----------
    kind
        Of all arms; None: by `kind_of`.

    Returns
    -------
    Table by contract ``scores``.
    """
    positive = predictions["positive"].to_numpy(bool)
    pairs = pair_within_genes(predictions["gene"].to_numpy(), positive)
    weights = sample_perturbations(
        predictions["perturbation"].to_numpy(), n_resamples, seed
    )
    columns = predictions.columns.drop(_KNOWN, errors="ignore")
    arms = columns.str.partition(SEED).get_level_values(0)
    parts = []
    for arm in arms.unique():
        scores = predictions[columns[arms == arm]].to_numpy(float).T
        within = np.array([_within(score, pairs, weights) for score in scores])
        pooled = np.mean([pooled_auroc(score, positive) for score in scores])
        resamples = [ALL, *(f"{number:04d}" for number in range(1, within.shape[1]))]
        found = [("within_gene_auroc", "resample", resamples, within.mean(axis=0))]
        found += [("pooled_auroc", "resample", [ALL], np.array([pooled]))]
        if len(scores) > 1:
            seeds = [str(number) for number in range(1, len(scores) + 1)]
            found += [("within_gene_auroc_by_seed", "seed", seeds, within[:, 0])]
        parts += [
            pd.DataFrame(
                {"arm": arm, "metric": metric, "unit": unit, "member": members}
            ).assign(
                value=values,
                kind=kind or kind_of(arm),
                # genes with both labels, or pairs
                n=len(positive) if metric == "pooled_auroc" else pairs.n_genes,
            )
            for metric, unit, members, values in found
        ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(benchmark=BENCHMARK, task=task)[SCORE_COLUMNS]


def _within(score: np.ndarray, pairs: Pairs, weights: np.ndarray) -> np.ndarray:
    """AUROC within genes, of all data and then of each resample."""
    resampled = resample_within_genes(score, pairs, weights)
    return np.array([within_gene_auroc(score, pairs), *resampled])
