"""Measure a topic model: on the cells it was fitted to, and on cells that a second fit has not seen."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.topics.model import TopicModel, infer_cell_topics, token_log_likelihood
from grnformer.topics.scores import (
    count_distinct_topics,
    density_cao_juan,
    divergence_arun,
    joint_log_likelihood,
    mean_coherence,
    topic_coherence,
)

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fits:
    """A topic model of all cells, and one that some cells were held out of.

    Attributes
    ----------
    model
        Fitted to all cells.
    partial
        Fitted to cells that are not held out; its regions are those of `model`, and its topics where there are many
        cells (`fit_models`).
    held_out
        (cells,) boolean.
    """

    model: TopicModel
    partial: TopicModel
    held_out: np.ndarray


def score_fits(
    matrix: sp.csr_matrix, fits: Fits, settings: dict[str, Any]
) -> pd.DataFrame:
    """Score topics by all that model selection may go by.

    Parameters
    ----------
    matrix
        (cells, regions), sparse, binarised.
    fits
        The models.
    settings
        The config's section ``topics``: `seed`, `evaluation`, and the priors among the method's settings.

    Returns
    -------
    One row by contract ``topic_scores``. The held-out log-likelihood is document completion (Wallach et al. 2009, doi
    10.1145/1553374.1553515): topics are fitted without the held-out cells, a cell's proportions are inferred from
    half of its regions, and the other half is scored, in nats per region.
    """
    import pandas as pd

    evaluation, priors = settings["evaluation"], settings[settings["method"]]
    model, n_topics = fits.model, fits.model.n_topics
    smoothing = evaluation["coherence_smoothing"]
    coherence = topic_coherence(
        matrix, model.region_topic, evaluation["coherence_regions"], smoothing
    )

    seen, held = split_regions(
        matrix[fits.held_out], np.random.default_rng(settings["seed"])
    )

    # The fold-in has an alpha of its own, the same for every method, so that held-out
    # scores of methods with other priors compare.
    inferred = infer_cell_topics(
        seen, fits.partial.region_topic, alpha=evaluation["alpha"] / n_topics
    )
    completed = token_log_likelihood(
        held, TopicModel(inferred, fits.partial.region_topic)
    )

    # By the priors that the method sampled with: only these give back its counts.
    joint = joint_log_likelihood(
        matrix, model, alpha=priors["alpha"] / n_topics, eta=priors["eta"]
    )
    scores = {
        "n_topics": n_topics,
        "log_likelihood": token_log_likelihood(matrix, model).mean(),
        "heldout_log_likelihood": completed.mean(),
        "heldout_standard_error": _standard_error(completed, np.diff(held.indptr)),
        "joint_log_likelihood": joint,
        "arun_2010": divergence_arun(
            model.region_topic, model.cell_topic, np.diff(matrix.indptr)
        ),
        "cao_juan_2009": density_cao_juan(model.region_topic),
        "coherence": mean_coherence(coherence, evaluation["coherence_topics"]),
        "distinct_topics": count_distinct_topics(
            model.region_topic, evaluation["distinct_correlation"]
        ),
    }
    logger.info("scores: %s", scores)
    return pd.DataFrame([scores])


def split_regions(
    matrix: sp.csr_matrix, rng: np.random.Generator
) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Split each cell's accessible regions at random into two halves (the first one smaller by one if odd).

    Returns
    -------
    Two (cells, regions) matrices whose sum is `matrix`.
    """
    import scipy.sparse as sp

    sizes = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(matrix.shape[0]), sizes)
    # The place of a region in a random order within its cell.
    order = np.lexsort((rng.random(matrix.nnz), rows))
    place = np.empty(matrix.nnz, dtype=int)
    place[order] = np.arange(matrix.nnz) - matrix.indptr[rows]
    first = place < sizes[rows] // 2

    halves = []
    for chosen in (first, ~first):
        cells_and_regions = rows[chosen], matrix.indices[chosen]
        halves.append(
            sp.csr_matrix((matrix.data[chosen], cells_and_regions), shape=matrix.shape)
        )
    return halves[0], halves[1]


def _standard_error(values: np.ndarray, counts: np.ndarray) -> float:
    """Standard error over cells of the mean of the tokens' values (ratio estimator); `counts` of each cell's tokens."""
    n_cells = len(counts)
    if n_cells < 2:
        return 0.0
    # Tokens of one cell are not independent: cells are the units.
    sums = np.bincount(np.repeat(np.arange(n_cells), counts), values, minlength=n_cells)
    # How far a cell's sum is from what its tokens would have at the overall mean.
    residuals = sums - counts * (sums.sum() / counts.sum())
    return float(np.sqrt(n_cells / (n_cells - 1) * np.sum(residuals**2)) / counts.sum())
