"""The arms: naive predictors, graphs by a smoother, their blend, each graph beside its rewired form.

Settings of an arm are chosen on training perturbations, split anew; what is tested takes no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from grnformer.bench.controls import REWIRED, rewired_name
from grnformer.bench.perturbation import predict, similarity
from grnformer.bench.perturbation.evidence import (
    Knowledge,
    describe_genes,
    mean_expression,
)
from grnformer.bench.perturbation.labels import Labels, Training, folds, training
from grnformer.bench.perturbation.propagate import propagate
from grnformer.bench.perturbation.within import (
    Pairs,
    pair_within_genes,
    within_gene_auroc,
)
from grnformer.core.errors import InputError

BLEND = "_blend"
# of an arm of pretraining: by its embeddings of genes, and joined to the graphs and co-expression
MODEL, JOINED = "model_", "_and_graphs"
SEED = ": "  # between an arm and its pretraining seed, in predictions and choices
BASELINES = (
    "gene_rate",
    "expression",
    "letters",
    "coexpression",
    "letters_coexpression",
    "letters_coexpression_blend",
    "nearest_neighbours",
    "random_forest",
)
GRAPHS = ("pathways", "complexes", "interactions", "prior")
# letters and co-expression count half a graph: a graph says why two genes are alike
MIXED = dict.fromkeys(GRAPHS, 1.0) | {"coexpression": 0.5}
#: arm -> similarity and its weight
SMOOTHED: dict[str, dict[str, float]] = {
    "letters": {"letters": 1},
    "coexpression": {"coexpression": 1},
    "letters_coexpression": {"letters": 1, "coexpression": 1},
    **{name: {name: 1} for name in GRAPHS},
    "graphs": dict.fromkeys(GRAPHS, 1.0),
    "graphs_coexpression": MIXED,
    "everything": MIXED | {"letters": 0.5},
}
#: arm of a blend -> the arm whose smoother stands beside it
BLENDED = {"letters_coexpression": "letters", "everything": "graphs"}
_POWERS = [{"power": power} for power in (1, 2)]
_OFFSETS = [{"offset": offset} for offset in (0, 0.1)]
_NEIGHBOURS = [{"k": k} for k in (5, 15, 50)]

Head = Callable[
    ..., np.ndarray
]  # (training, rows, **settings) -> (rows, learned genes)


class Split(NamedTuple):
    """Labels, their training part as matrices; the perturbations that are tested, and their pairs within genes."""

    labels: Labels
    train: Training
    rows: np.ndarray
    pairs: Pairs
    signed: bool

    @classmethod
    def of(cls, labels: Labels, signed: bool) -> Split:
        """Make the matrices of `labels`; `signed`: labels are directions.

        Raises
        ------
        InputError
            If no gene has both labels among the tested pairs: nothing could be scored.
        """
        tested = labels.tested
        rows = np.unique(labels.perturbation[tested])
        pairs = pair_within_genes(labels.gene[tested], labels.positive[tested])
        if pairs.n_genes == 0:
            raise InputError(
                f"{len(rows)} held-out perturbations, and no gene with both labels among them",
                "a gene with both labels at least, in the test part and in every fold of the training part",
                "give a larger screen, or lower bench.perturbation.n_folds",
            )
        return cls(labels, training(labels, signed), rows, pairs, signed)

    def tested(self, predicted: np.ndarray) -> np.ndarray:
        """Scores of the tested pairs from responses (rows, learned genes).

        A gene that is not learned gets the perturbation's mean: how much it does to genes as a whole.
        """
        every = np.column_stack([predicted, predicted.mean(axis=1)])
        # column -1 is the last one
        return self._at(every, self.train.column)

    def at_pairs(self, predicted: np.ndarray) -> np.ndarray:
        """Scores of the tested pairs from (rows, genes)."""
        return self._at(predicted, np.arange(len(self.labels.genes)))

    def _at(self, values: np.ndarray, column: np.ndarray) -> np.ndarray:
        tested = self.labels.tested
        row = np.searchsorted(self.rows, self.labels.perturbation[tested])
        return values[row, column[self.labels.gene[tested]]]

    def rate(self) -> np.ndarray:
        """Training rate of the gene of each tested pair."""
        return self.train.rate[self.labels.gene[self.labels.tested]]

    def auroc(self, scores: np.ndarray) -> float:
        """Within-gene AUROC of the tested pairs."""
        return within_gene_auroc(scores, self.pairs)


class Task(NamedTuple):
    """One screen's responses or directions: the published split, and training perturbations split anew."""

    split: Split
    inner: list[Split]

    @classmethod
    def of(cls, labels: Labels, signed: bool, n_folds: int, seed: int) -> Task:
        """Split the training perturbations of `labels` into `n_folds`; `signed`: labels are directions."""
        inner = [Split.of(part, signed) for part in folds(labels, n_folds, seed)]
        return cls(Split.of(labels, signed), inner)


class Fitted(NamedTuple):
    """Scores of an arm's tested pairs, its settings, and how it does on training perturbations.

    Attributes
    ----------
    scores
        (tested pairs,).
    settings
        Chosen on training perturbations.
    inner
        Mean within-gene AUROC over the inner folds; NaN where nothing is fitted.
    inner_scores
        Scores of the tested pairs of each inner fold.
    """

    scores: np.ndarray
    settings: Mapping[str, Any]
    inner: float
    inner_scores: tuple[np.ndarray, ...] = ()


def kind_of(arm: str) -> str:
    """Kind of an arm in the contract ``scores``."""
    if arm.endswith(REWIRED):
        return "control"
    return "baseline" if arm in BASELINES else "model"


def predict_labels(
    task: Task, known: Knowledge, expression: pd.DataFrame, seed: int
) -> dict[str, Fitted]:
    """Predict the tested pairs by every arm that needs no model.

    Parameters
    ----------
    expression
        (cells, genes) of the line, log1p.
    seed
        Of rewiring and of the forest.
    """
    genes = task.split.labels.perturbations.tolist()
    rewired = known.rewired(seed)
    plain = {
        "letters": similarity.share_letters(genes),
        "coexpression": similarity.co_expression(expression, genes),
    }
    right = plain | known.similarities(genes)
    wrong = plain | rewired.similarities(genes)

    found = naive_arms(task.split, mean_expression(expression, genes))
    features = describe_genes(known, expression, genes)
    found |= feature_arms(task, features, seed)
    found |= smoothed_arms(task, right, SMOOTHED)
    with_graph = [arm for arm in SMOOTHED if arm not in BASELINES]
    controls = smoothed_arms(task, wrong, with_graph)

    plain_features = describe_genes(None, expression, genes)
    found["letters_coexpression" + BLEND] = blended_arm(
        task, plain, found, "letters_coexpression", plain_features, seed
    )
    found["everything" + BLEND] = blended_arm(
        task, right, found, "everything", features, seed
    )
    rewired_features = describe_genes(rewired, expression, genes)
    controls["everything" + BLEND] = blended_arm(
        task, wrong, controls, "everything", rewired_features, seed
    )
    found |= {rewired_name(arm): fitted for arm, fitted in controls.items()}
    return found | propagated_arms(
        task.split, known.prior, rewired.prior, "propagation"
    )


def naive_arms(split: Split, expression: np.ndarray) -> dict[str, Fitted]:
    """A gene's training rate, whatever the perturbation; expression of the perturbed gene, whatever the gene.

    Whether more or less expression counts is chosen on the training pairs.

    Parameters
    ----------
    expression
        (perturbations,).
    """
    labels, tested = split.labels, split.labels.tested
    value = expression[labels.perturbation]
    pairs = pair_within_genes(labels.gene[~tested], labels.positive[~tested])
    inner = within_gene_auroc(value[~tested], pairs)
    sign = -1 if inner < 0.5 else 1
    chosen = Fitted(sign * value[tested], {"sign": sign}, max(inner, 1 - inner))
    return {"gene_rate": Fitted(split.rate(), {}, np.nan), "expression": chosen}


def feature_arms(task: Task, features: np.ndarray, seed: int) -> dict[str, Fitted]:
    """Nearest neighbours and random forest on features of the perturbed gene."""
    alike = similarity.cosine(features)

    def neighbours(train: Training, rows: np.ndarray, k: int) -> np.ndarray:
        return predict.smooth(
            train, similarity.nearest(alike, train.rows, k), rows, power=1
        )

    return {
        "nearest_neighbours": fit(task, neighbours, _NEIGHBOURS),
        "random_forest": fit_forest(task, features, seed),
    }


def fit_forest(task: Task, features: np.ndarray, seed: int) -> Fitted:
    """Random forest on features of the perturbed gene, which has no settings to choose."""

    def forest(train: Training, rows: np.ndarray) -> np.ndarray:
        return predict.grow_forest(train, features, rows, seed)

    return fit(task, forest, [{}])


def smoothed_arms(
    task: Task, similarities: Mapping[str, np.ndarray], arms: Iterable[str]
) -> dict[str, Fitted]:
    """Smoothers over similar perturbations."""
    return {
        arm: fit(task, partial(_smooth, mix(similarities, SMOOTHED[arm])), _POWERS)
        for arm in arms
    }


def blended_arm(
    task: Task,
    similarities: Mapping[str, np.ndarray],
    smoothed: Mapping[str, Fitted],
    arm: str,
    features: np.ndarray,
    seed: int,
) -> Fitted:
    """Mean of several predictors that know the same, with or without a forest, whichever does better in training.

    They are the arm's smoother, a kernel regression on the same similarity, and the smoother beside it (`BLENDED`) over
    closer genes (power 2); the forest is of features of the perturbed gene.

    Parameters
    ----------
    smoothed
        Has the arm's smoother.
    features
        (perturbations, features).
    """
    mixed = mix(similarities, SMOOTHED[arm])
    beside = mix(similarities, SMOOTHED[BLENDED[arm]])
    regressed = fit(task, partial(_regress, mixed), _OFFSETS)
    parts = [
        smoothed[arm],
        regressed,
        fit(task, partial(_smooth, beside), [{"power": 2}]),
    ]
    candidates = [parts, [*parts, fit_forest(task, features, seed)]]

    blended = [_blend_inner(task, each) for each in candidates]
    reached = [_inner_auroc(task, scores) for scores in blended]
    # the first of equal ones
    best = int(np.argmax(reached))
    scores = predict.blend([one.scores for one in candidates[best]], task.split.labels)
    settings = {**regressed.settings, "forest": bool(best)}
    return Fitted(scores, settings, reached[best], blended[best])


def _blend_inner(task: Task, parts: Sequence[Fitted]) -> tuple[np.ndarray, ...]:
    return tuple(
        predict.blend([one.inner_scores[number] for one in parts], fold.labels)
        for number, fold in enumerate(task.inner)
    )


def _inner_auroc(task: Task, scores: Sequence[np.ndarray]) -> float:
    """Mean within-gene AUROC over the inner folds."""
    pairs = zip(task.inner, scores, strict=True)
    return float(np.mean([fold.auroc(each) for fold, each in pairs]))


def model_arms(
    task: Task, embedded: np.ndarray, others: Mapping[str, np.ndarray], name: str
) -> dict[str, Fitted]:
    """Smoothers over the similarity of genes' embeddings, alone and beside the graphs and co-expression.

    Parameters
    ----------
    embedded
        (perturbations, perturbations).
    others
        Similarities of the graphs and of co-expression.
    """
    # as letters and co-expression, it counts half a graph
    joined = mix({**others, MODEL: embedded}, MIXED | {MODEL: 0.5})
    arms = {name: embedded, name + JOINED: joined}
    return {
        arm: fit(task, partial(_smooth, alike), _POWERS) for arm, alike in arms.items()
    }


def propagated_arms(
    split: Split, network: pd.DataFrame, rewired: pd.DataFrame, name: str
) -> dict[str, Fitted]:
    """Signed propagation on a network and on its rewired form; nothing is fitted.

    Parameters
    ----------
    network, rewired
        source, target, sign and optionally weight.
    """
    labels = split.labels
    found = {}
    for arm, pairs in ((name, network), (rewired_name(name), rewired)):
        reached = propagate(
            pairs, labels.perturbations[split.rows], labels.genes, split.signed
        )
        found[arm] = Fitted(split.at_pairs(reached), {}, np.nan)
    return found


def fit(task: Task, head: Head, grid: Sequence[Mapping[str, Any]]) -> Fitted:
    """Choose settings by the mean within-gene AUROC over the inner folds; predict the tested pairs by them."""
    tried = [
        tuple(fold.tested(head(fold.train, fold.rows, **each)) for fold in task.inner)
        for each in grid
    ]
    reached = [_inner_auroc(task, scores) for scores in tried]
    # the first of equal ones
    best = int(np.argmax(reached))
    split = task.split
    scores = split.tested(head(split.train, split.rows, **grid[best]))
    return Fitted(scores, grid[best], reached[best], tried[best])


def mix(
    similarities: Mapping[str, np.ndarray], weights: Mapping[str, float]
) -> np.ndarray:
    """Weighted sum of the similarities that `weights` names."""
    parts = [weight * similarities[name] for name, weight in weights.items()]
    return np.asarray(np.sum(parts, axis=0, dtype=np.float32))


def _smooth(
    similarity: np.ndarray, train: Training, rows: np.ndarray, power: float
) -> np.ndarray:
    return predict.smooth(train, similarity, rows, power)


def _regress(
    similarity: np.ndarray, train: Training, rows: np.ndarray, offset: float
) -> np.ndarray:
    return predict.regress(train, similarity, rows, offset)
