"""Labels of a screen: whether a gene responds to a perturbation, or which way; split by perturbation.

The form is that of PerturbQA (Wu et al. 2025, doi 10.48550/arXiv.2502.21290): one row a pair of
perturbed gene and gene.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import read_frame, refuse

COLUMNS = ("pert", "gene", "label", "split")
_SETTING = "bench.perturbation.screens"
_REMEDY = f"correct the file, or name another one in {_SETTING}"


@dataclass(frozen=True)
class Labels:
    """Pairs of perturbed gene and gene, by number, with their label and part.

    Attributes
    ----------
    perturbations, genes
        Symbols, sorted.
    perturbation, gene
        (pairs,): numbers in these.
    positive
        (pairs,): whether the label is 1.
    tested
        (pairs,): whether the pair belongs to the test part; a perturbation is in one part only.
    """

    perturbations: np.ndarray
    genes: np.ndarray
    perturbation: np.ndarray
    gene: np.ndarray
    positive: np.ndarray
    tested: np.ndarray


@dataclass(frozen=True)
class Training:
    """What training shows, as matrices (training perturbations, learned genes).

    Learned are genes with a positive label in training: all others have response 0 to every training perturbation. Of
    directions, all genes with a label are.

    Attributes
    ----------
    rows
        (training perturbations,): their numbers.
    column
        (genes,): column of a gene, -1 where it is not learned.
    observed
        1 where a label is there, else 0.
    response
        Label less the gene's training rate, 0 where there is no label: what is known of a gene without any perturbation
        is taken out.
    co_response
        (learned genes, learned genes), in [0, 1]: cosine of two genes' labels over training perturbations, negative
        ones 0.
    rate
        (genes,): a gene's fraction of positive labels.
    """

    rows: np.ndarray
    column: np.ndarray
    observed: np.ndarray
    response: np.ndarray
    co_response: np.ndarray
    rate: np.ndarray


def read_labels(path: str | Path) -> Labels:
    """Read a table of labels: pert, gene, label (0 or 1), split (train or test).

    Raises
    ------
    InputError
        If columns are missing, a gene is not named, a label or part is another word, a pair stands twice, or a
        perturbation is in both parts: a model would be tested on what it was trained on.
    """
    table = read_frame(path, _SETTING)
    if not set(COLUMNS) <= set(table):
        raise InputError(
            f"{path} has the columns {list(table)[:12]}",
            f"{', '.join(COLUMNS)}",
            f"rename the columns, or name another file in {_SETTING}",
        )
    parts, labels = ("train", "test"), ("0", "1")
    other = f"name another one in {_SETTING}"
    refuse(table["split"], ~table["split"].isin(parts), "train or test", path, other)
    refuse(table["label"], ~table["label"].isin(labels), "0 or 1", path, other)
    for column in ("pert", "gene"):
        refuse(table[column], table[column] == "", "a gene symbol", path, other)
    _check_pairs(table, path)

    perturbations, perturbation = np.unique(table["pert"], return_inverse=True)
    genes, gene = np.unique(table["gene"], return_inverse=True)
    positive = (table["label"] == "1").to_numpy()
    tested = (table["split"] == "test").to_numpy()
    return Labels(
        perturbations.astype(str),
        genes.astype(str),
        perturbation,
        gene,
        positive,
        tested,
    )


def tested_genes(screens: Iterable[Labels]) -> list[str]:
    """Perturbed genes of the test parts, sorted."""
    found: set[str] = set()
    for labels in screens:
        tested = np.unique(labels.perturbation[labels.tested])
        found |= set(labels.perturbations[tested].tolist())
    return sorted(found)


def _check_pairs(table: pd.DataFrame, path: str | Path) -> None:
    twice = table[table.duplicated(["pert", "gene"])]
    if len(twice):
        first = twice.iloc[0]
        raise InputError(
            f"{path}: {len(twice):,} pairs stand twice, such as {first['pert']} and {first['gene']}",
            "one row a pair of perturbed gene and gene",
            _REMEDY,
        )
    parts = table.groupby("pert")["split"].nunique()
    both = parts.index[parts > 1]
    if len(both):
        raise InputError(
            f"{path}: {len(both):,} perturbations are in train and in test, such as {both[0]}",
            "each perturbation in one part",
            "split the screen by perturbation",
        )
    if set(table["split"]) != {"train", "test"}:
        raise InputError(
            f"{path} holds only {table['split'].iloc[0]} pairs",
            "pairs of both parts, train and test",
            _REMEDY,
        )


def training(labels: Labels, signed: bool) -> Training:
    """Return the training part as matrices.

    Parameters
    ----------
    signed
        Whether a label is a direction: genes that go the same way respond alike, not those that go up.
    """
    trained = ~labels.tested
    gene, positive = labels.gene[trained], labels.positive[trained]
    rows, row = np.unique(labels.perturbation[trained], return_inverse=True)
    n_labels = np.bincount(gene, minlength=len(labels.genes))
    n_positive = np.bincount(gene[positive], minlength=len(labels.genes))
    rate = n_positive / np.maximum(n_labels, 1)
    # of directions, genes that always go down are known as well as those that always go up
    learned = np.flatnonzero(n_labels if signed else n_positive)
    column = np.full(len(labels.genes), -1)
    column[learned] = np.arange(len(learned))

    known = column[gene] >= 0
    place = row[known], column[gene[known]]
    observed = np.zeros((len(rows), len(learned)), dtype=np.float32)
    observed[place] = 1
    label = np.zeros_like(observed)
    label[place] = positive[known]

    vectors = (2 * label - 1) * observed if signed else label
    norms = np.linalg.norm(vectors, axis=0)
    vectors = vectors / np.where(norms > 0, norms, 1)
    co_response = np.maximum(vectors.T @ vectors, 0)
    response = (label - rate[learned].astype(np.float32)) * observed
    return Training(rows, column, observed, response, co_response, rate)


def folds(labels: Labels, n_folds: int, seed: int) -> list[Labels]:
    """Training labels split anew by perturbation, one fold tested at a time; tested pairs are in none of them."""
    trained = ~labels.tested
    known = np.unique(labels.perturbation[trained])
    rng = np.random.default_rng(seed)
    fold = np.full(len(labels.perturbations), -1)
    fold[known] = rng.permutation(len(known)) % n_folds

    of_pair = fold[labels.perturbation[trained]]
    return [
        replace(
            labels,
            perturbation=labels.perturbation[trained],
            gene=labels.gene[trained],
            positive=labels.positive[trained],
            tested=of_pair == number,
        )
        for number in range(n_folds)
    ]
