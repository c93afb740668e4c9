"""Fit topic models by the chosen method, to all cells and without the held-out ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.core.errors import InputError
from grnformer.topics.evaluate import Fits
from grnformer.topics.lda_tomotopy import fit_lda
from grnformer.topics.model import TopicModel

if TYPE_CHECKING:
    import scipy.sparse as sp

# method -> function(matrix, n_topics, seed=..., **settings[method]) -> TopicModel; the original, pycisTopic, runs
# before in its own environment (rule run_pycistopic), and grnformer.topics.original takes what it found.
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


def fit_models(matrix: sp.csr_matrix, n_topics: int, settings: dict[str, Any]) -> Fits:
    """Fit topics to all cells, and once more without a random share of them.

    Parameters
    ----------
    matrix
        (cells, regions), as `binarize` gives it; the chosen regions only.
    n_topics
        Number of topics.
    settings
        The config's section ``topics``.

    Raises
    ------
    InputError
        If the method is unknown, or there are fewer regions or cells than topics.
    """
    method, seed = settings["method"], settings["seed"]
    if method not in METHODS:
        raise InputError(f"topics.method {method!r}", f"one of {sorted(METHODS)}", "correct it in the config")
    n_cells = matrix.shape[0]
    n_held_out = max(1, round(settings["evaluation"]["heldout_cells"] * n_cells))
    if min(n_cells - n_held_out, matrix.shape[1]) < n_topics:
        raise InputError(
            f"{n_topics} topics for {n_cells} cells ({n_held_out} held out) x {matrix.shape[1]} regions",
            "fewer topics than cells and regions",
            "lower topics.n_topics",
        )
    held_out = np.zeros(n_cells, dtype=bool)
    held_out[np.random.default_rng(seed).choice(n_cells, n_held_out, replace=False)] = True
    model = METHODS[method](matrix, n_topics, seed=seed, **settings[method])
    partial = METHODS[method](matrix[~held_out], n_topics, seed=seed, **settings[method])
    return Fits(model, partial, held_out)


def binarize(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """Return the matrix with 1 where it is not 0, indices in order: the order of tokens is the order of sampling."""
    binary = matrix.tocsr().copy()
    binary.eliminate_zeros()
    binary.sort_indices()
    binary.data = np.ones_like(binary.data)
    return binary
