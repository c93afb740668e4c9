"""Scores of topic models, and the choice among topic counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp


def split_regions(matrix: sp.csr_matrix, rng: np.random.Generator) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Split each cell's accessible regions at random into two halves (the first one smaller by one if odd).

    Returns
    -------
    Two (cells, regions) matrices whose sum is `matrix`.
    """
    import scipy.sparse as sp

    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((rng.random(matrix.nnz), rows))
    place = np.empty(matrix.nnz, dtype=int)
    place[order] = np.arange(matrix.nnz) - matrix.indptr[rows]
    first = place < np.diff(matrix.indptr)[rows] // 2

    def part(chosen: np.ndarray) -> sp.csr_matrix:
        return sp.csr_matrix(
            (matrix.data[chosen], (rows[chosen], matrix.indices[chosen])), shape=matrix.shape, dtype=matrix.dtype
        )

    return part(first), part(~first)


def mean_coherence(matrix: sp.csr_matrix, region_topic: np.ndarray, n_regions: int) -> float:
    """Mean topic coherence over the top regions of each topic (Mimno et al. 2011, aclanthology D11-1024).

    For the top regions v_1..v_M of a topic, sum over m > l of log((D(v_m, v_l) + 1) / D(v_l)), divided by the number
    of pairs, D counting cells in which regions are accessible.

    Parameters
    ----------
    matrix
        (cells, regions), sparse, binarised.
    region_topic
        (regions, topics).
    n_regions
        Top regions of a topic, M.

    Returns
    -------
    Mean over topics; 0 or below where no region of a topic implies another.
    """
    columns = matrix.tocsc()
    n_regions = min(n_regions, len(region_topic))
    later, earlier = np.tril_indices(n_regions, k=-1)
    found = []
    for topic in range(region_topic.shape[1]):
        top = np.argsort(-region_topic[:, topic], kind="stable")[:n_regions]
        chosen = columns[:, top].astype(np.int64)
        together = (chosen.T @ chosen).toarray()
        alone = np.maximum(together.diagonal(), 1)
        found.append(np.mean(np.log((together[later, earlier] + 1) / alone[earlier])))
    return float(np.mean(found))


def count_distinct_topics(region_topic: np.ndarray, max_correlation: float) -> int:
    """Count topics that are no near-copy of another: groups linked by Pearson correlations above the limit count once.

    Parameters
    ----------
    region_topic
        (regions, topics).
    max_correlation
        Pearson correlation of region probabilities above which two topics are copies.
    """
    from scipy.sparse.csgraph import connected_components

    # A constant topic (no token) has no correlation: it counts as a topic of its own.
    with np.errstate(invalid="ignore", divide="ignore"):
        linked = np.nan_to_num(np.corrcoef(region_topic.T)) > max_correlation
    return int(connected_components(linked, directed=False)[0])


def select_topic_count(scores: pd.DataFrame) -> pd.DataFrame:
    """Choose a topic count.

    Only models whose topics are all distinct compete, or, if there is none, those with the largest share of distinct
    topics. Among them the best held-out log-likelihood wins; models within one standard error (over held-out cells)
    of it count as equal, and the most coherent of these is taken, the smaller on a tie.

    Parameters
    ----------
    scores
        One row a topic count, by contract ``topic_scores``.

    Returns
    -------
    The scores in order of topic counts with the column ``selected``, by contract ``topic_selection``.
    """
    table = scores.sort_values("n_topics", ignore_index=True)
    share = table["distinct_topics"] / table["n_topics"]
    rivals = table[share == share.max()]
    best = rivals.loc[rivals["heldout_log_likelihood"].idxmax()]
    limit = best["heldout_log_likelihood"] - best["heldout_standard_error"]
    equals = rivals[rivals["heldout_log_likelihood"] >= limit]
    table["selected"] = table.index == equals["coherence"].idxmax()
    return table
