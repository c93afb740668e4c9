"""From expression to tokens: bins, ranks and depth within a cell; a draw of its genes, or the highest of them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.stats import rankdata


def bin_values(expression: sp.csr_matrix, n_bins: int) -> sp.csr_matrix:
    """Replace each non-zero value by its quantile bin among the non-zero values of its row, as a share of `n_bins`.

    Only ranks matter, so any scale will do. Equal values share one bin (that of their middle rank), where scGPT draws
    one at random: most counts of a shallow cell are 1, and chance would make a gradient of them.

    Returns
    -------
    CSR of the same shape, float32, values in {1/n_bins, ..., 1}; stored zeros are dropped.
    """
    expression = sp.csr_matrix(expression, copy=True)
    expression.eliminate_zeros()
    binned = np.empty(expression.nnz, np.float32)
    for start, end in zip(expression.indptr[:-1], expression.indptr[1:], strict=True):
        if end > start:
            quantile = rankdata(expression.data[start:end]) / (end - start)
            binned[start:end] = np.ceil(quantile * n_bins) / n_bins
    return sp.csr_matrix((binned, expression.indices, expression.indptr), shape=expression.shape)


def draw_tokens(
    values: sp.csr_matrix, n_tokens: int, expressed_fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n_tokens` genes of each row without replacement: expressed ones up to the share, the rest not expressed.

    Where there are too few of one kind, the other fills up: every row has the same number and none is padded.

    Returns
    -------
    gene, value
        (rows, n_tokens) each; int64 column numbers, float32 values (0 if not expressed).
    """
    n_rows, n_genes = values.shape
    gene = np.empty((n_rows, n_tokens), np.int64)
    value = np.zeros((n_rows, n_tokens), np.float32)
    for row in range(n_rows):
        span = slice(values.indptr[row], values.indptr[row + 1])
        expressed, strength = values.indices[span], values.data[span]
        n_expressed = expressed_tokens(len(expressed), n_genes, n_tokens, expressed_fraction)
        chosen = rng.permutation(len(expressed))[:n_expressed]
        silent = np.ones(n_genes, bool)
        silent[expressed] = False
        others = rng.permutation(np.flatnonzero(silent))[: n_tokens - n_expressed]
        gene[row] = np.concatenate([expressed[chosen], others])
        value[row, :n_expressed] = strength[chosen]
    return gene, value


def cell_depth(values: sp.csr_matrix) -> np.ndarray:
    """Counts of each cell, from log1p of its counts per 10,000 alone: the least value above 0 is one count.

    Exact where a cell has a gene with one count, as all but the deepest have; 10,000 where nothing is expressed.
    """
    least = np.full(values.shape[0], np.log(2.0))
    filled = np.flatnonzero(np.diff(values.indptr))
    if len(filled):
        least[filled] = np.minimum.reduceat(values.data, values.indptr[filled])
    return np.maximum(10_000 / np.expm1(least), 1.0)


def rank_values(expression: sp.csr_matrix, medians: np.ndarray) -> sp.csr_matrix:
    """Rank of each value above 0 in its row after division by the gene's median, as a share: 1 the highest.

    Parameters
    ----------
    expression
        log1p of counts scaled per cell, rows x N.
    medians
        (N,), each gene's median among its scaled counts above 0 (Theodoris et al., doi 10.1038/s41586-023-06139-9).

    Returns
    -------
    CSR of the same shape, float32; equal values rank by gene number, first the higher.
    """
    expression = sp.csr_matrix(expression, copy=True)
    expression.eliminate_zeros()
    expression.sort_indices()
    scaled = np.expm1(expression.data.astype(np.float64)) / medians[expression.indices]
    ranked = np.empty(expression.nnz, np.float32)
    for start, end in zip(expression.indptr[:-1], expression.indptr[1:], strict=True):
        order = np.argsort(-scaled[start:end], kind="stable")
        ranked[start + order] = np.arange(end - start, 0, -1) / max(end - start, 1)
    return sp.csr_matrix((ranked, expression.indices, expression.indptr), shape=expression.shape)


def highest_tokens(values: sp.csr_matrix, n_tokens: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `n_tokens` highest values of each row, first the highest; what a row lacks is padded.

    Returns
    -------
    gene, value, present
        (rows, L) each, L the most that any row has (at least 1); gene and value are 0 where not present.
    """
    counts = np.minimum(np.diff(values.indptr), n_tokens)
    shape = (values.shape[0], max(int(counts.max(initial=0)), 1))
    gene, value = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    for row, count in enumerate(counts):
        span = slice(values.indptr[row], values.indptr[row + 1])
        order = np.argsort(-values.data[span], kind="stable")[:count]
        gene[row, :count], value[row, :count] = values.indices[span][order], values.data[span][order]
    return gene, value, np.arange(shape[1]) < counts[:, None]


def expressed_tokens(n_expressed: int, n_genes: int, n_tokens: int, expressed_fraction: float) -> int:
    """How many of a row's tokens are expressed genes."""
    wanted = min(n_expressed, round(n_tokens * expressed_fraction))
    return max(wanted, n_tokens - (n_genes - n_expressed))


def token_weights(values: sp.csr_matrix, n_tokens: int, expressed_fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Probability of an expressed gene, and of one that is not, to be among the tokens of each row; (rows,) each."""
    n_genes = values.shape[1]
    counts = np.diff(values.indptr)
    drawn = np.array([expressed_tokens(int(n), n_genes, n_tokens, expressed_fraction) for n in counts])
    return drawn / np.maximum(counts, 1), (n_tokens - drawn) / np.maximum(n_genes - counts, 1)
