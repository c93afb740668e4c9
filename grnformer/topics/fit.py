"""Fit a topic model by the chosen method and measure it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.errors import InputError
from grnformer.topics.evaluate import count_distinct_topics, mean_coherence, split_regions
from grnformer.topics.lda_tomotopy import fit_lda
from grnformer.topics.model import TopicModel, infer_cell_topics, token_log_likelihood

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp

logger = logging.getLogger("grnformer.topics")

# method -> function(matrix, n_topics, seed=..., **settings[method]) -> TopicModel
METHODS: dict[str, Callable[..., TopicModel]] = {"lda_tomotopy": fit_lda}


def choose_regions(matrix: sp.csr_matrix, min_cells: int) -> np.ndarray:
    """Which regions are accessible in `min_cells` cells at least, as a boolean mask (regions,).

    Raises
    ------
    InputError
        If fewer than two regions remain.
    """
    kept = np.asarray((matrix != 0).sum(axis=0)).ravel() >= min_cells
    if kept.sum() < 2:
        raise InputError(
            f"{kept.sum()} of {len(kept)} regions accessible in {min_cells} cells",
            "at least two regions",
            "lower topics.min_cells, or check the ATAC matrix",
        )
    return kept


def fit_topics(matrix: sp.csr_matrix, n_topics: int, settings: dict[str, Any]) -> tuple[TopicModel, pd.DataFrame]:
    """Fit topics to all cells, and score a second fit that leaves cells out.

    Parameters
    ----------
    matrix
        (cells, regions), sparse, binarised; the chosen regions only.
    n_topics
        Number of topics.
    settings
        The config's section ``topics``.

    Returns
    -------
    The model, and its scores by contract ``topic_scores``. The held-out log-likelihood is document completion
    (Wallach et al. 2009, doi 10.1145/1553374.1553515): topics are fitted without the held-out cells, a cell's
    proportions are inferred from half of its regions, and the other half is scored, in nats per region.

    Raises
    ------
    InputError
        If the method is unknown, or there are fewer regions or cells than topics.
    """
    import pandas as pd

    method, evaluation, seed = settings["method"], settings["evaluation"], settings["seed"]
    if method not in METHODS:
        raise InputError(f"topics.method {method!r}", f"one of {sorted(METHODS)}", "correct it in the config")
    if min(matrix.shape) < n_topics:
        raise InputError(
            f"{n_topics} topics for {matrix.shape[0]} cells x {matrix.shape[1]} regions",
            "fewer topics than cells and regions",
            "lower topics.n_topics",
        )
    options = settings[method]
    matrix = _binary(matrix)
    model = METHODS[method](matrix, n_topics, seed=seed, **options)

    rng = np.random.default_rng(seed)
    held_out = np.zeros(matrix.shape[0], dtype=bool)
    n_held_out = max(1, round(evaluation["heldout_cells"] * len(held_out)))
    held_out[rng.choice(len(held_out), n_held_out, replace=False)] = True
    partial = METHODS[method](matrix[~held_out], n_topics, seed=seed, **options)
    seen, hidden = split_regions(matrix[held_out], rng)
    inferred = infer_cell_topics(seen, partial.region_topic, alpha=evaluation["alpha"] / n_topics)
    completed = token_log_likelihood(hidden, TopicModel(inferred, partial.region_topic))
    per_cell = np.bincount(np.repeat(np.arange(hidden.shape[0]), np.diff(hidden.indptr)), completed)
    scores = {
        "n_topics": n_topics,
        "log_likelihood": token_log_likelihood(matrix, model).mean(),
        "heldout_log_likelihood": completed.mean(),
        "heldout_standard_error": _standard_error(per_cell, np.diff(hidden.indptr)),
        "coherence": mean_coherence(matrix, model.region_topic, evaluation["coherence_regions"]),
        "distinct_topics": count_distinct_topics(model.region_topic, evaluation["distinct_correlation"]),
    }
    logger.info("scores: %s", scores)
    return model, pd.DataFrame([scores])


def _binary(matrix: sp.csr_matrix) -> sp.csr_matrix:
    binary = matrix.tocsr().copy()
    binary.eliminate_zeros()
    binary.sort_indices()  # the order of tokens is the order of sampling
    binary.data = np.ones_like(binary.data)
    return binary


def _standard_error(sums: np.ndarray, counts: np.ndarray) -> float:
    """Standard error over cells of a mean over tokens (ratio estimator)."""
    sums = np.pad(sums, (0, len(counts) - len(sums)))
    residuals = sums - counts * (sums.sum() / counts.sum())
    n_cells = len(counts)
    if n_cells < 2:
        return 0.0
    return float(np.sqrt(n_cells / (n_cells - 1) * np.sum(residuals**2)) / counts.sum())
