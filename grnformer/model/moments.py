"""Mean and deviation of each gene's value among drawn tokens: the scale of the targets, and the naive floor."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp

from grnformer.model.tokens import token_weights

SHRINK = 5.0


def gene_moments(
    blocks: Iterable[tuple[sp.csr_matrix, np.ndarray]], n_types: int, n_tokens: int, expressed_share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Moments of the value tokens, exact over the random draw of tokens, in one pass over blocks of rows.

    Expressed genes are drawn more often than others; a mean over all cells would therefore be no fair predictor of
    a token. Each value counts by its probability to be drawn. Means are shrunk by `SHRINK` pseudo-tokens towards
    the mean over genes (for types: towards the gene's mean), so that a rarely drawn gene has a finite scale.

    Parameters
    ----------
    blocks
        (values CSR rows x N, type number of each row).
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
    for values, types in blocks:
        if weight is None:
            weight, first, second = (np.zeros((n_types, values.shape[1])) for _ in range(3))
        of_expressed, of_others = token_weights(values, n_tokens, expressed_share)
        member = sp.csr_matrix((np.ones(len(types)), (types, np.arange(len(types)))), shape=(n_types, len(types)))
        ones = values.copy()
        ones.data = np.ones_like(values.data)
        weight += (
            np.asarray(member @ of_others)[:, None] + (member @ sp.diags(of_expressed - of_others) @ ones).toarray()
        )
        first += (member @ sp.diags(of_expressed) @ values).toarray()
        second += (member @ sp.diags(of_expressed) @ values.power(2)).toarray()
    if weight is None or first is None or second is None:
        raise ValueError("no block of cells")
    total, all_first, all_second = weight.sum(0), first.sum(0), second.sum(0)
    grand = all_first.sum() / total.sum()
    grand_square = all_second.sum() / total.sum()
    mean = (all_first + SHRINK * grand) / (total + SHRINK)
    square = (all_second + SHRINK * grand_square) / (total + SHRINK)
    deviation = np.sqrt(np.maximum(square - mean**2, 1e-4))
    return mean, deviation, (first + SHRINK * mean) / (weight + SHRINK)
