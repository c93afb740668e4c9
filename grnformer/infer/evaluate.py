"""Held-out scores of the masked objective, beside naive baselines on the same masked tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from grnformer.core.errors import InputError
from grnformer.data.batch import Batch
from grnformer.data.batcher import Batcher
from grnformer.data.streams import HELDOUT, STRUCTURE
from grnformer.graph.structure import Structure
from grnformer.model.grnformer import GRNFormer, Predictor


def heldout_batches(
    cells: Batcher,
    rows: np.ndarray,
    *,
    batch_size: int,
    repeats: int,
    seed: int,
    first: int = 0,
) -> list[Batch]:
    """Held-out cells with fixed tokens and masks, sampled `repeats` times: the same for every arm and model seed.

    `first` counts the held-out rows before these, of other parts: no two batches share a seed.
    """
    batches = []
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        # Read once: repeats differ in their tokens and masks only.
        held = cells.read(part)
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, HELDOUT, first + start, repeat])
            batches.append(cells.masked_batch(part, held, rng))
    return batches


def heldout_of_parts(
    cells: Batcher,
    rows: np.ndarray,
    *,
    batch_size: int,
    repeats: int,
    seed: int,
) -> dict[str, list[Batch]]:
    """As `heldout_batches`, by the part (dataset of a corpus) that the cells are in.

    Raises
    ------
    InputError
        If there are no rows.
    """
    if not len(rows):
        raise InputError(
            "no held-out cell", "at least one", "raise pretrain.heldout_fraction"
        )

    sizes = {
        "batch_size": batch_size,
        "repeats": repeats,
        "seed": seed,
    }

    found = {}
    for n, places in cells.corpus.divide(rows):
        name = cells.corpus.parts[n].name
        found[name] = heldout_batches(
            cells, rows[places], first=int(places[0]), **sizes
        )
    return found


@torch.no_grad()
def evaluate(
    model: GRNFormer,
    structure: Structure | None,
    batches: Iterable[Batch],
    type_mean: np.ndarray,
    seed: int,
    linear: Mapping[str, Predictor] | None = None,
) -> dict[str, Any]:
    """Score the masked objective on fixed batches.

    Parameters
    ----------
    type_mean
        (types, N): mean value of each gene's tokens by cell type in training cells. Where a mask hides the gene itself:
        (types + 1, N), the fraction of each gene among the tokens, in the last row over all types.
    linear
        Linear models, `factor` and `ridge`, that are scored on the same tokens. Where a mask hides the gene itself,
        values are not predicted, and there are none.

    Returns
    -------
    n (masked tokens); loss and pearson of the model; baseline_loss of the gene's training mean; baseline_cell_type_loss
    and baseline_cell_type_pearson of its training mean in cells of the same type, which the model is not given;
    factor_loss and ridge_loss of the linear models (None where these are not given); loss_unit. Losses of values are
    squared errors in units of each gene's SD (squared SD). Losses of masked genes are nats, those of the baselines by
    the gene's fraction of the training tokens; there are no correlations.
    """
    # Set back below: a model may be in training when it is scored.
    was_training = model.training
    model.eval()
    score = _gene_losses if model.masks_genes else _values
    parts = []
    for number, batch in enumerate(batches):
        moved = batch.to(model.mean_N.device)
        # The same edges for every model that is scored on these batches.
        h_BTD, structure_BNS = model.run(
            moved,
            structure,
            np.random.default_rng([seed, STRUCTURE, number]),
            for_loss=True,
        )
        scored = score(model, moved, h_BTD, structure_BNS, _of_type(type_mean, batch))
        by_linear = [
            model.predict_linearly(predictor, moved)[moved.masked_BL].cpu().numpy()
            for predictor in (linear or {}).values()
        ]
        parts.append((*scored, *by_linear))
    model.train(was_training)

    # Sums over many tokens: in double precision.
    columns = [
        np.concatenate(column).astype(np.float64) for column in zip(*parts, strict=True)
    ]
    scores: dict[str, Any] = {
        "n": len(columns[0]),
        "loss_unit": model.backbone.loss_unit,
        "factor_loss": None,
        "ridge_loss": None,
    }
    if model.masks_genes:
        names = ("loss", "baseline_loss", "baseline_cell_type_loss")
        losses = {
            name: float(nats.mean()) for name, nats in zip(names, columns, strict=True)
        }
        return scores | losses | {"pearson": None, "baseline_cell_type_pearson": None}

    truth, prediction, baseline, *by_linear = columns
    for name, predicted in zip(linear or {}, by_linear, strict=True):
        scores[f"{name}_loss"] = float(np.mean((truth - predicted) ** 2))
    return scores | {
        "loss": float(np.mean((truth - prediction) ** 2)),
        "pearson": _pearson(truth, prediction),
        # Values are standardised by gene: the prediction of a gene's training mean is 0.
        "baseline_loss": float(np.mean(truth**2)),
        "baseline_cell_type_loss": float(np.mean((truth - baseline) ** 2)),
        "baseline_cell_type_pearson": _pearson(truth, baseline),
    }


def _of_type(type_mean: np.ndarray, batch: Batch) -> np.ndarray:
    """What `type_mean` has for the type and gene of each masked token: first of its cell's type, then of the last."""
    masked_BL = batch.masked_BL.numpy()
    gene_M = batch.gene_BL.numpy()[masked_BL]
    # Types go by cell, masked tokens by gene: one type a token.
    type_M = np.broadcast_to(batch.type_B[:, None], masked_BL.shape)[masked_BL]
    return np.stack([type_mean[type_M, gene_M], type_mean[-1, gene_M]])


def _values(
    model: GRNFormer,
    batch: Batch,
    h_BTD: torch.Tensor,
    _: torch.Tensor | None,
    of_type: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Standardised values of masked tokens: true ones, predicted ones, the mean of the cell's type."""
    gene_M = batch.gene_BL[batch.masked_BL]

    # Standardised by gene, as targets are.
    type_mean_M = torch.from_numpy(of_type[0]).to(model.mean_N)
    baseline_M = (type_mean_M - model.mean_N[gene_M]) / model.sd_N[gene_M]

    truth_M = model.target(batch)[batch.masked_BL]
    prediction_M = model.predict_masked(h_BTD, batch)
    return tuple(column.cpu().numpy() for column in (truth_M, prediction_M, baseline_M))


def _gene_losses(
    model: GRNFormer,
    batch: Batch,
    h_BTD: torch.Tensor,
    structure_BNS: torch.Tensor | None,
    fraction: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Nats of masked tokens: of the model, of the gene's fraction over all types, of that in the cell's type."""
    nats_M = model.losses(h_BTD, batch, structure_BNS)[0].cpu().numpy()
    # (2, M): by the cell's type, and over all types.
    type_M, all_M = -np.log(fraction)
    return nats_M, all_M, type_M


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    """0 where either is constant."""
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / norm) if norm > 0 else 0.0
