"""What every topic method returns, and what follows from it whatever the method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp

_TOKENS_PER_BLOCK = 200_000
_SWEEPS = 100  # of the fold-in


@dataclass(frozen=True)
class TopicModel:
    """A fitted topic model.

    Attributes
    ----------
    cell_topic
        (cells, topics) proportions of topics in each cell; rows sum to 1.
    region_topic
        (regions, topics) probability of each region within a topic; columns sum to 1.
    """

    cell_topic: np.ndarray
    region_topic: np.ndarray

    @property
    def n_topics(self) -> int:
        """Number of topics."""
        return int(self.region_topic.shape[1])


def to_table(values: np.ndarray, names: list[str], name_column: str) -> pd.DataFrame:
    """Turn a (names, topics) matrix into a table with columns `name_column`, topic_1..topic_k."""
    import pandas as pd

    table = pd.DataFrame(
        values, columns=[f"topic_{k + 1}" for k in range(values.shape[1])]
    )
    table.insert(0, name_column, names)
    return table


def from_table(table: pd.DataFrame, name_column: str) -> tuple[np.ndarray, list[str]]:
    """Return the (names, topics) matrix of a table, and the names."""
    return table.drop(columns=name_column).to_numpy(dtype=float), table[
        name_column
    ].tolist()


def token_log_likelihood(matrix: sp.csr_matrix, model: TopicModel) -> np.ndarray:
    """Log probability (nats) of each accessible region of each cell, in the order of the CSR matrix's indices.

    Parameters
    ----------
    matrix
        (cells, regions), sparse; only where it is non-zero matters.

    Returns
    -------
    (non-zeros,). Computed in blocks of tokens, so memory does not grow with cells x regions.
    """
    found = np.empty(matrix.nnz)
    for start in range(0, matrix.nnz, _TOKENS_PER_BLOCK):
        stop = min(start + _TOKENS_PER_BLOCK, matrix.nnz)
        block = slice(start, stop)
        # the cell of each token
        rows = np.searchsorted(matrix.indptr, np.arange(start, stop), side="right") - 1
        probability = np.einsum(
            "tk,tk->t",
            model.cell_topic[rows],
            model.region_topic[matrix.indices[block]],
        )
        found[block] = np.log(probability)
    return found


def infer_cell_topics(
    matrix: sp.csr_matrix, region_topic: np.ndarray, *, alpha: float
) -> np.ndarray:
    """Topic proportions of cells under fixed topics (fold-in by expectation maximisation with pseudo-counts).

    Serves held-out cells and cells of other datasets; deterministic and the same for every topic method.

    Parameters
    ----------
    matrix
        (cells, regions), sparse, binarised, with the regions of `region_topic`.
    region_topic
        (regions, topics); columns sum to 1.
    alpha
        Pseudo-count of each topic, in regions.

    Returns
    -------
    (cells, topics); rows sum to 1. A cell without regions gets equal proportions.
    """
    n_cells, n_topics = matrix.shape[0], region_topic.shape[1]
    topic_region = np.ascontiguousarray(region_topic.T)
    # From equal proportions, not random ones: the outcome depends on no seed.
    inferred = np.full((n_cells, n_topics), 1.0 / n_topics)
    for cell in range(n_cells):
        # (topics, regions of the cell)
        likelihood = topic_region[
            :, matrix.indices[matrix.indptr[cell] : matrix.indptr[cell + 1]]
        ]
        proportions = inferred[cell]
        for _ in range(_SWEEPS):
            # E: P(topic | region, cell); M: its sum over the cell's regions, with the pseudo-counts
            expected = proportions * (likelihood @ (1.0 / (proportions @ likelihood)))
            counts = expected + alpha
            proportions = counts / counts.sum()
        inferred[cell] = proportions
    return inferred


def iterate_imputed(
    cell_topic: np.ndarray, region_topic: np.ndarray, block_size: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield topic-imputed accessibility, block after block of regions; the whole is never in memory.

    Accessibility of a region in a cell is sum_k P(region | topic k) P(topic k | cell) (Bravo Gonzalez-Blas et al.
    2019, doi 10.1038/s41592-019-0367-1).

    Yields
    ------
    The block's place among the regions, and its (cells, regions of the block) probabilities.
    """
    for start in range(0, len(region_topic), block_size):
        block = slice(start, min(start + block_size, len(region_topic)))
        yield block, cell_topic @ region_topic[block].T
