"""Moments of each gene's value among drawn tokens, medians, shares: the scale of the targets, and naive baselines."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp

from grnformer.data.tokens import token_weights

SHRINK = 5.0


def gene_moments(
    blocks: Iterable[tuple[sp.csr_matrix, np.ndarray, np.ndarray | None]],
    n_types: int,
    n_tokens: int,
    expressed_fraction: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Moments of the value tokens, exact over the random draw of tokens, in one pass over blocks of rows.

    Expressed genes are drawn more often than others; a mean over all cells would therefore be no fair predictor of
    a token. Each value counts by its probability to be drawn. Means are shrunk by `SHRINK` pseudo-tokens towards
    the mean over genes (for types: towards the gene's mean), so that a rarely drawn gene has a finite scale.

    Parameters
    ----------
    blocks
        (values CSR rows x N, type number of each row, genes that are measured in the block or None for all). Cells
        say nothing of a gene that was not measured in them.
    n_types
        Number of cell types.

    Returns
    -------
    mean, deviation
        (N,) each; deviation > 0.
    type_mean
        (n_types, N).
    """
    weight = first = second = None
    for block, types, measured in blocks:
        values = block if measured is None else block[:, measured]
        genes = slice(None) if measured is None else measured
        if weight is None or first is None or second is None:
            weight, first, second = (np.zeros((n_types, block.shape[1])) for _ in range(3))
        of_expressed, of_others = token_weights(values, n_tokens, expressed_fraction)
        member = sp.csr_matrix((np.ones(len(types)), (types, np.arange(len(types)))), shape=(n_types, len(types)))
        ones = values.copy()
        ones.data = np.ones_like(values.data)
        weight[:, genes] += (
            np.asarray(member @ of_others)[:, None] + (member @ sp.diags(of_expressed - of_others) @ ones).toarray()
        )
        first[:, genes] += (member @ sp.diags(of_expressed) @ values).toarray()
        second[:, genes] += (member @ sp.diags(of_expressed) @ values.power(2)).toarray()
    if weight is None or first is None or second is None:
        raise ValueError("no block of cells")
    total, all_first, all_second = weight.sum(0), first.sum(0), second.sum(0)
    grand = all_first.sum() / total.sum()
    grand_square = all_second.sum() / total.sum()
    mean = (all_first + SHRINK * grand) / (total + SHRINK)
    square = (all_second + SHRINK * grand_square) / (total + SHRINK)
    deviation = np.sqrt(np.maximum(square - mean**2, 1e-4))
    return mean, deviation, (first + SHRINK * mean) / (weight + SHRINK)


def gene_fractions(blocks: Iterable[tuple[sp.csr_matrix, np.ndarray]], n_types: int) -> np.ndarray:
    """Share of each gene among the expressed ones, by cell type and, in the last row, of all: (n_types + 1, N).

    Shrunk by `SHRINK` pseudo-tokens of the shares of all (those themselves: of equal shares), so that none is 0.
    """
    counts: np.ndarray | None = None
    for values, types in blocks:
        if counts is None:
            counts = np.zeros((n_types, values.shape[1]))
        member = sp.csr_matrix((np.ones(len(types)), (types, np.arange(len(types)))), shape=(n_types, len(types)))
        counts += (member @ (values > 0)).toarray()
    if counts is None:
        raise ValueError("no block of cells")
    total = counts.sum(0) + SHRINK / counts.shape[1]
    of_all = total / total.sum()
    of_type = counts + SHRINK * of_all
    return np.vstack([of_type / of_type.sum(1, keepdims=True), of_all])


def nonzero_medians(expression: sp.csr_matrix) -> np.ndarray:
    """Median of each gene's scaled counts above 0, from log1p of scaled counts; 1 where there are none: (N,)."""
    by_gene = sp.csc_matrix(expression)
    by_gene.eliminate_zeros()
    spans = zip(by_gene.indptr[:-1], by_gene.indptr[1:], strict=True)
    return np.array([np.median(np.expm1(by_gene.data[a:b])) if b > a else 1.0 for a, b in spans])
