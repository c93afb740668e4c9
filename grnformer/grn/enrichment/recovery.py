"""Recovery of gene or region sets in rankings: AUC, normalised enrichment score (NES) and leading edge.

As in cisTarget (Aibar et al. 2017, doi 10.1038/nmeth.4463; Van de Sande et al. 2020, doi 10.1038/s41596-020-0336-2).
A recovery curve is the weight of the members found up to each rank. Sets are given as CSR arrays over the rows of
`ranks`; all motifs are scored at once, and neither curves nor their mean are held for every motif.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from grnformer.core.errors import InputError


@dataclass(frozen=True)
class Sets:
    """Sets over the rows of a rank matrix: set i has rows ``indices[indptr[i]:indptr[i + 1]]`` with these weights."""

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray

    def members(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and weights of set `i`."""
        part = slice(self.indptr[i], self.indptr[i + 1])
        return self.indices[part], self.weights[part]


def check_nes_in_reach(
    n_motifs: int, nes_threshold: float, database: str, remedy: str
) -> None:
    """Raise InputError if even a motif that is the only one of `n_motifs` with an AUC cannot reach the NES."""
    # one AUC of a and n - 1 of 0 have the mean a / n and the SD a sqrt(n - 1) / n: the NES is sqrt(n - 1)
    highest = (n_motifs - 1) ** 0.5
    if highest < nes_threshold:
        raise InputError(
            f"{database}: {n_motifs} motifs, of which none can exceed an NES of {highest:.2f}",
            f"enough motifs for an NES of {nes_threshold}: a whole collection, not only those of some TFs",
            remedy,
        )


def make_sets(
    members: Sequence[np.ndarray], weights: Sequence[np.ndarray] | None = None
) -> Sets:
    """Make `Sets` of the rows of each; weights are 1 where none are given."""
    sizes = [len(rows) for rows in members]
    if weights is None:
        weights = [np.ones(size) for size in sizes]

    # the empty list stands for no set at all
    indices = np.concatenate([[], *members])
    all_weights = np.concatenate([[], *weights])
    return Sets(
        indptr=np.cumsum([0, *sizes], dtype=np.int64),
        indices=indices.astype(np.int64),
        weights=all_weights.astype(np.float64),
    )


def rank_cutoff(auc_threshold: float, total: int) -> int:
    """Ranks under which the recovery curve is summed: the fraction `auc_threshold` of `total`, less one as in R."""
    cutoff = round(auc_threshold * total)
    if cutoff < 2:
        raise InputError(
            f"auc_threshold {auc_threshold} of {total} ranked genes or regions is {cutoff}",
            "at least 2 ranks",
            "raise grn.cistromes.cistarget.auc_threshold, or use a larger database",
        )
    return cutoff - 1


def recovery_auc(
    ranks: np.ndarray, sets: Sets, *, total: int, auc_threshold: float
) -> np.ndarray:
    """Area under the recovery curve of every set and motif, as a fraction of the largest possible.

    Parameters
    ----------
    ranks
        Features x motifs, int32, 0 the best.
    total
        Number of features in the whole database.
    auc_threshold
        Fraction of the database, from the top, over which the area is taken.

    Returns
    -------
    Sets x motifs, float64, 0 to 1.
    """
    cutoff = rank_cutoff(auc_threshold, total)
    area = _areas(ranks, sets.indptr, sets.indices, sets.weights, cutoff)

    # reduceat gives an empty set the next set's first weight
    starts = sets.indptr[:-1]
    weight = np.add.reduceat(np.append(sets.weights, 0.0), starts)
    is_empty = np.diff(sets.indptr) == 0
    weight[is_empty] = 0

    # R-SCENIC, and ctxcore after it, divide by one rank more than are summed
    largest = np.where(weight > 0, (cutoff + 1) * weight, 1.0)
    return area / largest[:, None]


def normalise(auc: np.ndarray) -> np.ndarray:
    """NES: AUC less the mean over motifs, in SD; sets x motifs. 0 where all motifs are equal."""
    mean = auc.mean(axis=1, keepdims=True)
    # SD of a population (ddof 0), as ctxcore takes it
    sd = auc.std(axis=1, keepdims=True)
    return (auc - mean) / np.where(sd > 0, sd, 1.0)


def leading_edge_ranks(
    ranks: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    motifs: np.ndarray,
    *,
    rank_threshold: int,
) -> np.ndarray:
    """Rank at which the curve of each given motif rises furthest above mean + 2 SD of all motifs' curves.

    Members at that rank or before it are the leading edge.

    Parameters
    ----------
    ranks
        Features x motifs.
    rows, weights
        The set.
    motifs
        Columns for which the rank is wanted.
    rank_threshold
        Length of the curves, ranks.
    """
    peaks = np.zeros(len(motifs), dtype=np.int64)
    if not len(motifs):
        return peaks

    # motifs x members of the set: a curve reads one row
    by_motif = np.ascontiguousarray(ranks[rows].T)
    mean, second = _curve_moments(by_motif, weights, rank_threshold)

    # the difference of the moments may round to just below 0 where all curves are equal
    variance = np.maximum(second - mean**2, 0.0)
    bar = mean + 2.0 * np.sqrt(variance)

    # all motifs make the bar, but only those asked for need a curve of their own
    for i, of_motif in enumerate(by_motif[motifs]):
        found = of_motif < rank_threshold
        steps = np.bincount(
            of_motif[found],
            weights=weights[found],
            minlength=rank_threshold,
        )
        curve = np.cumsum(steps)
        peaks[i] = np.argmax(curve - bar)
    return peaks


@njit(parallel=True, cache=True)
def _areas(
    ranks: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    weights: np.ndarray,
    cutoff: int,
) -> np.ndarray:  # pragma: no cover
    area = np.zeros((len(indptr) - 1, ranks.shape[1]))

    # a thread fills whole rows: the order of sums does not depend on their number
    for s in prange(len(indptr) - 1):
        for k in range(indptr[s], indptr[s + 1]):
            row = ranks[indices[k]]
            weight = weights[k]
            for m in range(len(row)):
                # a member found at a rank lifts the curve from there to the cutoff
                area[s, m] += weight * max(cutoff - row[m], 0)
    return area


@njit(cache=True)
def _curve_moments(
    ranks: np.ndarray, weights: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray]:  # pragma: no cover
    """Mean over motifs of the curves and of their squares, from only the steps: cost by members, not by ranks."""
    first = np.zeros(length)
    second = np.zeros(length)
    n_motifs = ranks.shape[0]
    for m in range(n_motifs):
        found = np.flatnonzero(ranks[m] < length)
        order = np.argsort(ranks[m][found])
        height = 0.0
        for k in found[order]:
            rank = ranks[m, k]
            weight = weights[k]
            first[rank] += weight
            # (height + weight)^2 - height^2: what this step adds to the square of the curve
            second[rank] += weight * (2 * height + weight)
            height += weight

    # the mean over motifs of cumulated steps is the cumulated mean of the steps
    mean = np.cumsum(first) / n_motifs
    mean_square = np.cumsum(second) / n_motifs
    return mean, mean_square
