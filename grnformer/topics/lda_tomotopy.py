"""Latent Dirichlet allocation by collapsed Gibbs sampling, with tomotopy."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.methods import method
from grnformer.settings.key import Settings, key
from grnformer.topics.model import TopicModel

if TYPE_CHECKING:
    import scipy.sparse as sp

logger = logging.getLogger(__name__)


class LdaTomotopy(Settings):
    """LDA by collapsed Gibbs sampling, in tomotopy."""

    n_iterations: int = key(
        150,
        "Gibbs sweeps over all accessible regions of all cells",
        unit="sweeps",
        ge=1,
    )
    alpha: float = key(
        5,
        "Dirichlet prior of a cell's topics, summed over topics",
        unit="regions",
        gt=0,
    )
    eta: float = key(
        0.3, "Dirichlet prior of each of a topic's regions", unit="cells", gt=0
    )


@method("lda_tomotopy", settings=LdaTomotopy)
def fit_lda(
    matrix: sp.csr_matrix,
    n_topics: int,
    *,
    alpha: float,
    eta: float,
    n_iterations: int,
    seed: int,
) -> TopicModel:
    """Fit LDA (Blei et al. 2003; collapsed Gibbs: Griffiths & Steyvers 2004, doi 10.1073/pnas.0307752101).

    Parameters
    ----------
    matrix
        (cells, regions), CSR, binarised: a region is accessible in a cell or not.
    n_topics
        Number of topics.
    alpha
        Dirichlet prior of a cell's topics, summed over topics (each has alpha / n_topics), in regions.
    eta
        Dirichlet prior of a topic's regions, for each region.
    n_iterations
        Sweeps over all tokens.
    seed
        Seed of the sampler.

    Returns
    -------
    The state after the last sweep, smoothed by the priors. Deterministic for a seed: one worker only, as tomotopy's
    partitions depend on the number of workers (topic counts run as jobs of their own instead). Processors with other
    vector instructions may sample another state: set TOMOTOPY_ISA to pin them.
    """
    import tomotopy

    n_cells, n_regions = matrix.shape
    model = tomotopy.LDAModel(k=n_topics, alpha=alpha / n_topics, eta=eta, seed=seed)
    model.optim_interval = 0  # keep the priors as given

    # A region's word is its number: `used_vocabs` then gives rows of the matrix.
    words = np.arange(n_regions).astype(str)
    # tomotopy takes no document without words
    filled = np.flatnonzero(np.diff(matrix.indptr))
    for cell in filled:
        model.add_doc(words[matrix[cell].indices])
    model.train(n_iterations, workers=1)
    logger.info(
        "%d topics: %.4f nats per token after %d sweeps",
        n_topics,
        model.ll_per_word,
        n_iterations,
    )

    # A cell without regions has equal proportions, the mean of the prior.
    cell_topic = np.full((n_cells, n_topics), 1.0 / n_topics)
    cell_topic[filled] = [document.get_topic_dist() for document in model.docs]

    # A region of no cell is unknown to tomotopy: only the prior speaks for it.
    sampled = np.array(
        [model.get_topic_word_dist(topic) for topic in range(n_topics)], dtype=float
    ).T
    counts = np.asarray(model.get_count_by_topics(), dtype=float)
    # The Dirichlet posterior's mean at a count of 0, for every region at first.
    region_topic = np.tile(eta / (counts + eta * n_regions), (n_regions, 1))
    region_topic[np.asarray(model.used_vocabs, dtype=int)] = sampled

    # tomotopy's proportions are single precision: scaled again, they sum to 1 in double precision.
    return TopicModel(
        cell_topic / cell_topic.sum(axis=1, keepdims=True),
        region_topic / region_topic.sum(axis=0),
    )
