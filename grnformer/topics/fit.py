"""Fit topic models by the chosen method: to all cells and without the held-out ones, or once to some of many cells."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.core.errors import InputError
from grnformer.core.methods import load
from grnformer.topics.evaluate import Fits
from grnformer.topics.model import TopicModel, infer_cell_topics

if TYPE_CHECKING:
    import scipy.sparse as sp

logger = logging.getLogger(__name__)


def choose_regions(matrix: sp.csr_matrix, min_cells: int) -> np.ndarray:
    """Which regions are accessible in `min_cells` cells at least, as a boolean mask (regions,).

    Raises
    ------
    InputError
        If fewer than two regions remain.
    """
    kept = min_cells <= (matrix != 0).sum(axis=0).A1
    if kept.sum() < 2:
        raise InputError(
            f"{kept.sum()} of {len(kept)} regions accessible in {min_cells} cells",
            "at least two regions",
            "lower topics.min_cells, or check the ATAC matrix",
        )
    return kept


def fit_models(matrix: sp.csr_matrix, n_topics: int, settings: dict[str, Any]) -> Fits:
    """Fit topics to all cells, and once more without a random fraction of them; of many cells, once to some of them.

    Of more than `max_tokens` accessible regions in all, topics are fitted to those of fewer cells, drawn at random
    beside the held-out ones, and every cell has the proportions that these topics give it (`infer_cell_topics`): none
    has them as sampled, so that cells that were fitted are like those that were not.

    Parameters
    ----------
    matrix
        (cells, regions), as `binarize` returns it; the chosen regions only.
    n_topics
        Number of topics.
    settings
        The config's section ``topics``.

    Raises
    ------
    InputError
        If the method is unknown, or there are fewer regions or cells than topics.
    """
    method, seed, max_tokens = (
        settings[name] for name in ("method", "seed", "max_tokens")
    )
    fit = load("grnformer.topics", method).call

    # From the seed alone, so that all topic counts are scored on the same cells.
    rng = np.random.default_rng(seed)
    n_cells = matrix.shape[0]
    n_held_out = max(1, round(settings["evaluation"]["heldout_cells"] * n_cells))
    held_out = np.zeros(n_cells, dtype=bool)
    held_out[rng.choice(n_cells, n_held_out, replace=False)] = True
    fitted = np.flatnonzero(~held_out)
    many = max_tokens is not None and matrix.nnz > max_tokens
    if many:
        drawn = rng.permutation(fitted)
        n_tokens = np.cumsum(np.diff(matrix.indptr)[drawn])
        fitted = np.sort(drawn[n_tokens <= max_tokens])

    # The partial model has fewer cells than the other, and as many topics.
    if min(len(fitted), matrix.shape[1]) < n_topics:
        raise InputError(
            f"{n_topics} topics for {len(fitted)} of {n_cells} cells ({n_held_out} held out) x {matrix.shape[1]} "
            "regions",
            "fewer topics than cells and regions",
            "lower topics.n_topics, or raise topics.max_tokens"
            if many
            else "lower topics.n_topics",
        )

    partial = fit(matrix[fitted], n_topics, seed=seed, **settings[method])
    if not many:
        model = fit(matrix, n_topics, seed=seed, **settings[method])
        return Fits(model, partial, held_out)
    logger.info("fitted to %d of %d cells", len(fitted), n_cells)
    alpha = settings[method]["alpha"] / n_topics
    cell_topic = infer_cell_topics(matrix, partial.region_topic, alpha=alpha)
    return Fits(TopicModel(cell_topic, partial.region_topic), partial, held_out)


def binarize(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """Return the matrix with 1 where it is not 0, indices in order: the order of tokens is the order of sampling."""
    binary = matrix.tocsr().copy()
    # Before all data become 1: a stored zero would turn into an accessible region.
    binary.eliminate_zeros()
    binary.sort_indices()
    binary.data = np.ones_like(binary.data)
    return binary
