"""Moments of each gene's value among sampled tokens, medians, frequencies: scales of targets, and naive baselines."""

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
    """Moments of the value tokens, exact over the random sampling of tokens, in one pass over blocks of rows.

    Expressed genes are sampled more often than others; a mean over all cells would therefore be no fair predictor of
    a token. Each value counts by its probability to be sampled. Means are shrunk by `SHRINK` pseudo-tokens towards
    the mean over genes (for types: towards the gene's mean), so that a rarely sampled gene has a finite scale.

    Parameters
    ----------
    blocks
        (values CSR rows x N, type number of each row, genes that are measured in the block or None for all). A gene
        that was not measured in cells counts in none of their moments.
    n_types
        Number of cell types.

    Returns
    -------
    mean, sd
        (N,) each; sd > 0.
    type_mean
        (n_types, N).
    """
    # of each type and gene: probabilities, values times these, squares times these
    sums = None
    for block, types, measured in blocks:
        if sums is None:
            sums = np.zeros((3, n_types, block.shape[1]))

        # genes that were not measured are left out: they would count as zeros
        genes = slice(None) if measured is None else measured
        values = block if measured is None else block[:, measured]
        # by row: all expressed genes of a cell are equally likely to be tokens
        of_expressed, of_others = token_weights(values, n_tokens, expressed_fraction)
        member = _members(types, n_types)
        weighted = member @ sp.diags(of_expressed)

        # a gene that is not expressed counts by the probability of such genes: all by it, then the expressed by more
        ones = sp.csr_matrix(
            (np.ones_like(values.data), values.indices, values.indptr), values.shape
        )
        more = member @ sp.diags(of_expressed - of_others) @ ones

        sums[0][:, genes] += (member @ of_others)[:, None] + more.toarray()
        sums[1][:, genes] += (weighted @ values).toarray()
        sums[2][:, genes] += (weighted @ values.power(2)).toarray()
    if sums is None:
        raise ValueError("no block of cells")

    # (types, N); summed over types (N,)
    weight, first = sums[:2]
    total, all_first, all_second = sums.sum(1)
    mean = _shrink(all_first, total, all_first.sum() / total.sum())
    square = _shrink(all_second, total, all_second.sum() / total.sum())
    # a gene of one value has an SD that divides
    sd = np.sqrt(np.maximum(square - mean**2, 1e-4))
    return mean, sd, _shrink(first, weight, mean)


def _members(types: np.ndarray, n_types: int) -> sp.csr_matrix:
    """Type x row, 1 where the row is of the type: products with it are sums by type."""
    return sp.csr_matrix(
        (np.ones(len(types)), (types, np.arange(len(types)))),
        shape=(n_types, len(types)),
    )


def _shrink(
    sums: np.ndarray, weight: np.ndarray, towards: float | np.ndarray
) -> np.ndarray:
    return (sums + SHRINK * towards) / (weight + SHRINK)


def gene_fractions(
    blocks: Iterable[tuple[sp.csr_matrix, np.ndarray]], n_types: int
) -> np.ndarray:
    """Frequency of each gene among the expressed ones, by cell type and, in the last row, of all: (n_types + 1, N).

    Shrunk by `SHRINK` pseudo-tokens towards the frequencies of all (these towards equal ones), so that none is 0.
    """
    counts = sum(
        (_members(types, n_types) @ (values > 0)).toarray() for values, types in blocks
    )
    if isinstance(counts, int):
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
    # In double precision: a last bit in which processors differ would decide which of two genes ranks first.
    counts = np.expm1(by_gene.data.astype(np.float64))
    return np.array([np.median(counts[a:b]) if b > a else 1.0 for a, b in spans])
