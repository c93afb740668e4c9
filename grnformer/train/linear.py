"""Linear models of masked values, fitted on a run's training cells."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch

from grnformer.data.batch import Batch
from grnformer.data.batcher import Batcher
from grnformer.data.split import sample_rows
from grnformer.data.streams import LINEAR
from grnformer.data.tokens import token_weights
from grnformer.model.linear import LinearFit, Masked, TokenValues, fit_linear

logger = logging.getLogger(__name__)
# Dense matrices of the fit are this long at most; more cells change little.
CELLS = 2000
# One training cell in so many is set aside, to choose settings on.
ASIDE = 6
BATCH = 64


def fit_on_cells(
    cells: Batcher,
    rows: np.ndarray,
    mean: np.ndarray,
    sd: np.ndarray,
    *,
    axes: Sequence[int],
    expressed_fraction: float,
    seed: int,
) -> LinearFit:
    """Fit the linear models, which do not depend on the arm or the model's seed.

    Parameters
    ----------
    rows
        Training cells, ascending.
    mean, sd
        (N,) of each gene's value tokens.
    axes
        Numbers of axes to choose from.
    expressed_fraction
        Of the tokens.
    seed
        Of the cells that are set aside, and of their tokens and masks.
    """
    rows = sample_rows(rows, CELLS)
    rng = np.random.default_rng([seed, LINEAR])
    aside = rng.permutation(len(rows)) < max(1, len(rows) // ASIDE)

    values = _token_values(cells, rows, mean, sd, expressed_fraction)
    part = TokenValues(values.value[~aside], values.weight[~aside])
    tokens = _masked_tokens(cells, rows[aside], mean, sd, rng)

    # Of a list of fractions each batch samples one.
    seen = 1 - float(np.mean(cells.mask_fraction))
    fit = fit_linear((part, tokens), values, axes=axes, seen=seen, seed=seed)
    logger.info(
        "linear models on %d cells: %d axes, ridge with penalty %g, chosen on %d of these",
        len(rows),
        fit.axes,
        fit.penalty,
        aside.sum(),
    )
    return fit


def _token_values(
    cells: Batcher,
    rows: np.ndarray,
    mean: np.ndarray,
    sd: np.ndarray,
    expressed_fraction: float,
) -> TokenValues:
    """Standardised values of cells and their probabilities to be tokens: 0 for genes that are not measured."""
    n_genes = len(mean)
    stored = cells.values(rows)
    values = np.zeros((len(rows), n_genes), np.float32)
    weight = np.zeros_like(values)

    for n, places in cells.corpus.divide(rows):
        genes = cells.corpus.parts[n].measured(n_genes)
        block = stored[places][:, genes]
        of_expressed, of_others = token_weights(
            block, cells.n_tokens, expressed_fraction
        )
        dense = block.toarray()
        chance = np.where(dense > 0, of_expressed[:, None], of_others[:, None])

        values[np.ix_(places, genes)] = (dense - mean[genes]) / sd[genes]
        weight[np.ix_(places, genes)] = chance
    return TokenValues(values, weight)


def _masked_tokens(
    cells: Batcher,
    rows: np.ndarray,
    mean: np.ndarray,
    sd: np.ndarray,
    rng: np.random.Generator,
) -> list[Masked]:
    """Tokens and masks of cells, as in training."""
    made = []
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        batch: Batch = cells.masked_batch(part, cells.read(part), rng)
        gene_BL = batch.gene_BL.numpy()
        value_BL = (batch.value_BL.numpy() - mean[gene_BL]) / sd[gene_BL]
        made.append(
            Masked(
                batch.gene_BL,
                torch.from_numpy(value_BL).float(),
                ~batch.masked_BL,
                batch.masked_BL,
            )
        )
    return made
