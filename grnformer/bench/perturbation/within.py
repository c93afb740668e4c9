"""AUROC within genes, with a bootstrap over perturbations; and pooled, which a gene's rate alone fills.

Some genes respond to most perturbations and most genes to none. Over all pairs together, the training rate of the gene
scores about .95 without a look at the perturbation. Within a gene it is the same for all perturbations, and scores .5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.bench.intervals import resample
from grnformer.bench.ranks import auroc


@dataclass(frozen=True)
class Pairs:
    """All pairs of a perturbation that is positive for a gene and one that is negative for it.

    Attributes
    ----------
    positive, negative
        (pairs,): rows of the two labels.
    gene
        (pairs,): number of the gene, from 0 in the order of genes with both labels.
    n_genes
        Genes with both labels.
    """

    positive: np.ndarray
    negative: np.ndarray
    gene: np.ndarray
    n_genes: int


def pair_within_genes(gene: np.ndarray, positive: np.ndarray) -> Pairs:
    """Pair the labels of each gene that has both.

    Parameters
    ----------
    gene, positive
        (labels,).
    """
    table = pd.DataFrame({"gene": gene, "row": np.arange(len(gene))})
    joined = table[positive].merge(table[~positive], on="gene")
    names, number = np.unique(joined["gene"], return_inverse=True)
    return Pairs(
        joined["row_x"].to_numpy(), joined["row_y"].to_numpy(), number, len(names)
    )


def within_gene_auroc(score: np.ndarray, pairs: Pairs) -> float:
    """Mean over genes of the fraction of pairs in which the positive scores higher; ties count one half.

    NaN where no gene has both labels, or a score is not finite.
    """
    if pairs.n_genes == 0:
        return float("nan")
    wins = _wins(score, pairs)
    found = np.bincount(pairs.gene, wins) / np.bincount(pairs.gene)
    return float(found.mean())


def resample_within_genes(
    score: np.ndarray, pairs: Pairs, weights: np.ndarray
) -> np.ndarray:
    """Within-gene AUROC in each resample of perturbations.

    A perturbation that is sampled k times counts k times in all its genes. A gene of which a resample has lost all
    positives or all negatives is left out of that resample's mean.

    Parameters
    ----------
    weights
        (resamples, labels): how often the perturbation of each label was sampled.

    Returns
    -------
    (resamples,), NaN where no gene is left.
    """
    wins = _wins(score, pairs)
    columns = np.arange(len(pairs.gene))
    of_gene = sp.csr_matrix(
        (np.ones(len(columns)), (columns, pairs.gene)),
        shape=(len(columns), pairs.n_genes),
    )
    # (resamples, pairs): both ends must have been sampled
    times = weights[:, pairs.positive] * weights[:, pairs.negative]
    weight = times @ of_gene
    with np.errstate(invalid="ignore"):
        of_genes = ((times * wins) @ of_gene) / weight
    left = (weight > 0).sum(1)
    total = np.where(weight > 0, of_genes, 0).sum(1)
    return np.where(left > 0, total / np.maximum(left, 1), np.nan)


def sample_perturbations(
    perturbation: np.ndarray, n_resamples: int, seed: int
) -> np.ndarray:
    """How often each label's perturbation is in each resample, (resamples, labels)."""
    _, number = np.unique(perturbation, return_inverse=True)
    counts = resample(number.max() + 1, n_resamples, seed)[1:]
    return counts[:, number].astype(np.float32)


def pooled_auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """AUROC over all pairs of perturbation and gene; NaN where labels are all alike or a score is not finite."""
    if not np.isfinite(score).all():
        return float("nan")
    return float(auroc(positive, score))


def _wins(score: np.ndarray, pairs: Pairs) -> np.ndarray:
    """1, 1/2 or 0 of each pair; NaN where either score is not finite."""
    difference = score[pairs.positive] - score[pairs.negative]
    return np.where(np.isfinite(difference), (np.sign(difference) + 1) / 2, np.nan)
