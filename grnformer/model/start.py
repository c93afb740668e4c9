"""Where gene embeddings start: from the co-expression of the training cells, so that few steps suffice."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp


def coexpression_embedding(values: sp.csr_matrix, width: int, seed: int) -> np.ndarray:
    """Principal axes of the genes, each scaled by its singular value: genes of one programme point one way.

    Columns are scaled to unit deviation and centred within the product (the matrix stays sparse).

    Parameters
    ----------
    values
        Value tokens of training cells, cells x N.
    width
        D; beyond the rank of the matrix the embedding is 0.
    seed
        Start vector of the solver.

    Returns
    -------
    (N, D) float32, overall deviation 0.02.
    """
    from scipy.sparse.linalg import LinearOperator, svds

    n_cells, n_genes = values.shape
    mean = np.asarray(values.mean(0)).ravel()
    square = np.asarray(values.power(2).mean(0)).ravel()
    scaled = values @ sp.diags(1 / np.sqrt(np.maximum(square - mean**2, 1e-4)))
    centre = np.asarray(scaled.mean(0)).ravel()
    centred = LinearOperator(
        scaled.shape,
        matvec=lambda x: scaled @ x.ravel() - centre @ x.ravel(),
        rmatvec=lambda y: scaled.T @ y.ravel() - centre * y.sum(),
        dtype=np.float64,
    )
    rank = min(width, min(n_cells, n_genes) - 1)
    start = np.random.default_rng(seed).normal(size=min(n_cells, n_genes))
    _, strength, axes = svds(centred, k=rank, v0=start)
    embedding = np.zeros((n_genes, width), np.float32)
    embedding[:, :rank] = axes.T * strength
    return embedding * np.float32(0.02 / max(embedding.std(), 1e-12))
