"""Where training starts: initial weights, a published backbone, gene embeddings from co-expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

from grnformer.model.grnformer import GRNFormer
from grnformer.model.moments import gene_fractions
from grnformer.model.published import Published, put_published


def start_model(
    genes: pd.DataFrame,
    arguments: dict[str, Any],
    mean: np.ndarray,
    sd: np.ndarray,
    seed: int,
    *,
    published: Published | None,
    seen: Callable[[], sp.csr_matrix] | None,
) -> GRNFormer:
    """The model before its first step; the same arguments give the same weights, bit by bit.

    Parameters
    ----------
    genes
        Of the graph bundle.
    arguments, mean, sd
        Of GRNFormer.
    seed
        Of initial weights; PyTorch's generator is seeded with it.
    published
        Weights that the backbone takes over; None: from scratch.
    seen
        Gives value tokens of training cells (cells x N). Where the backbone is not published, gene embeddings start
        from their co-expression, and predictions of masked genes from the genes' frequencies. None: at random.
    """
    torch.manual_seed(seed)
    model = GRNFormer(len(genes), mean=mean, sd=sd, **arguments)
    if published is not None:
        put_published(model.backbone, published, genes)
    elif seen is not None:
        values = seen()
        model.backbone.start_genes(
            coexpression_embedding(values, model.backbone.width, seed)
        )
        if model.masks_genes:
            one_type = np.zeros(values.shape[0], int)
            model.backbone.start_fractions(
                gene_fractions([(values, one_type)], n_types=1)[-1]
            )
    return model


def coexpression_embedding(values: sp.csr_matrix, width: int, seed: int) -> np.ndarray:
    """Principal axes of the genes, each scaled by its singular value: genes of one programme have similar vectors.

    Columns are scaled to unit SD.

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
    (N, D) float32, of overall SD 0.02.
    """
    from scipy.sparse.linalg import LinearOperator, svds

    n_cells, n_genes = values.shape
    mean = np.asarray(values.mean(0)).ravel()
    square = np.asarray(values.power(2).mean(0)).ravel()
    # the least variance keeps a gene of one value from a division by 0
    scaled = values @ sp.diags(1 / np.sqrt(np.maximum(square - mean**2, 1e-4)))

    # centred within the products: a centred matrix would not be sparse
    centre = np.asarray(scaled.mean(0)).ravel()
    centred = LinearOperator(
        scaled.shape,
        matvec=lambda x: scaled @ x.ravel() - centre @ x.ravel(),
        rmatvec=lambda y: scaled.T @ y.ravel() - centre * y.sum(),
        dtype=np.float64,
    )

    # the solver gives fewer axes than the shorter side has
    rank = min(width, min(n_cells, n_genes) - 1)
    # its own start vector would not follow from the seed
    start = np.random.default_rng(seed).normal(size=min(n_cells, n_genes))
    _, strength, axes = svds(centred, k=rank, v0=start)
    embedding = np.zeros((n_genes, width), np.float32)
    embedding[:, :rank] = axes.T * strength
    return embedding * np.float32(0.02 / max(embedding.std(), 1e-12))
