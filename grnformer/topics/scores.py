"""Scores of a fitted topic model: the four that pycisTopic's users know, and the count of distinct topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp

    from grnformer.topics.model import TopicModel


def divergence_arun(
    region_topic: np.ndarray, cell_topic: np.ndarray, n_regions: np.ndarray
) -> float:
    """Symmetric divergence of Arun et al. (2010, doi 10.1007/978-3-642-13657-3_43); lower is better.

    The singular values of the topics and the topics' fractions of all tokens, both in falling order and scaled to a sum
    of 1, are alike where topics neither overlap nor split: Kullback-Leibler divergence in both directions, in nats.

    Parameters
    ----------
    region_topic
        (regions, topics), columns sum to 1.
    cell_topic
        (cells, topics), rows sum to 1.
    n_regions
        (cells,) accessible regions of each cell.
    """
    spectrum = np.linalg.svd(region_topic, compute_uv=False)
    # Singular values come in falling order: the fractions are sorted to match.
    fractions = -np.sort(-(np.asarray(n_regions, dtype=float) @ cell_topic))
    # KL(p, q) + KL(q, p) = sum of (p - q) log(p / q); a topic without tokens has no logarithm
    tiny = np.finfo(float).tiny
    p, q = (np.maximum(part / part.sum(), tiny) for part in (spectrum, fractions))
    return float(np.sum((p - q) * np.log(p / q)))


def density_cao_juan(region_topic: np.ndarray) -> float:
    """Mean cosine similarity of all pairs of topics (Cao et al. 2009, doi 10.1016/j.neucom.2008.06.011).

    Lower is better: topics lie far from each other.

    Parameters
    ----------
    region_topic
        (regions, topics).

    Returns
    -------
    0 to 1.
    """
    # The squared length of the sum of unit vectors is the sum over all pairs, each topic with itself among them.
    unit = region_topic / np.linalg.norm(region_topic, axis=0)
    n_topics = unit.shape[1]
    mean = (np.sum(unit.sum(axis=1) ** 2) - n_topics) / (n_topics * (n_topics - 1))
    return float(np.clip(mean, 0, 1))


def topic_coherence(
    matrix: sp.csr_matrix, region_topic: np.ndarray, n_regions: int, smoothing: float
) -> np.ndarray:
    """Coherence of each topic over its top regions (Mimno et al. 2011, aclanthology D11-1024); higher is better.

    For the top regions v_1..v_M of a topic, sum over m > l of log((D(v_m, v_l) + smoothing) / D(v_l)), divided by the
    number of pairs, D counting cells in which regions are accessible.

    Parameters
    ----------
    matrix
        (cells, regions), sparse, binarised.
    region_topic
        (regions, topics).
    n_regions
        Top regions of a topic, M.
    smoothing
        Cells added to those that share two regions: 1 in the paper, 1e-12 in pycisTopic, where one pair without a
        shared cell costs 28 nats.

    Returns
    -------
    (topics,), at most log(1 + smoothing).
    """
    columns = matrix.tocsc()
    n_regions = min(n_regions, len(region_topic))
    # Each pair of places in the order once, the later place first.
    later, earlier = np.tril_indices(n_regions, k=-1)
    found = np.empty(region_topic.shape[1])
    for topic in range(len(found)):
        top = np.argsort(-region_topic[:, topic], kind="stable")[:n_regions]
        # int64: the product counts cells, and small types of a binary matrix overflow.
        chosen = columns[:, top].astype(np.int64)
        # D(v_m, v_l), and D(v_l) on the diagonal
        together = (chosen.T @ chosen).toarray()
        # 1 in place of 0: a region of no cell shares none either.
        n_cells = np.maximum(together.diagonal(), 1)
        ratio = (together[later, earlier] + smoothing) / n_cells[earlier]
        found[topic] = np.mean(np.log(ratio))
    return found


def mean_coherence(coherence: np.ndarray, n_topics: int | None) -> float:
    """Mean coherence of the `n_topics` most coherent topics (None: of all).

    The best few, as pycisTopic takes them, can be compared between models of many and of few topics.
    """
    return float(np.sort(coherence)[::-1][:n_topics].mean())


def joint_log_likelihood(
    matrix: sp.csr_matrix, model: TopicModel, *, alpha: float, eta: float
) -> float:
    """Log-likelihood of regions and topic assignments (Griffiths & Steyvers 2004, doi 10.1073/pnas.0307752101).

    log p(w | z) + log p(z) with the proportions integrated out, in nats, divided by the number of accessible regions.
    The counts of assignments are recovered from the smoothed proportions, exactly so for a state of a collapsed Gibbs
    sampler with these priors. pycisTopic 2.0a prints under this name a value that keeps only the last term of each sum;
    this is the whole sum, as in the package ``lda``.

    Parameters
    ----------
    matrix
        (cells, regions), sparse, binarised.
    alpha
        Dirichlet prior of a cell's topics, each.
    eta
        Dirichlet prior of a topic's regions, each.
    """
    from scipy.special import gammaln

    n_regions, n_topics = model.region_topic.shape
    # The counts n_dk of a cell's and n_kw of a topic's assignments; rounding may leave them just below 0.
    of_cell = np.diff(matrix.indptr)
    in_cell = np.maximum(
        model.cell_topic * (of_cell + alpha * n_topics)[:, None] - alpha, 0
    )
    # Totals from the cells' counts: both matrices describe the same assignments.
    of_topic = in_cell.sum(axis=0)
    in_topic = np.maximum(model.region_topic * (of_topic + eta * n_regions) - eta, 0)

    # Dirichlet integrals: log p(w | z) over topics, then log p(z) over cells
    regions = gammaln(in_topic + eta).sum() - gammaln(of_topic + eta * n_regions).sum()
    regions += n_topics * (gammaln(eta * n_regions) - n_regions * gammaln(eta))
    cells = gammaln(in_cell + alpha).sum() - gammaln(of_cell + alpha * n_topics).sum()
    cells += len(of_cell) * (gammaln(alpha * n_topics) - n_topics * gammaln(alpha))
    return float((regions + cells) / matrix.nnz)


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

    # A constant topic (no token) has no correlation: it is a copy of none.
    with np.errstate(invalid="ignore", divide="ignore"):
        linked = np.nan_to_num(np.corrcoef(region_topic.T)) > max_correlation
    return int(connected_components(linked, directed=False)[0])
