"""Held-out scores of masked value prediction, beside naive floors on the same masked tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from grnformer.errors import InputError
from grnformer.model.grnformer import Batch, GRNFormer
from grnformer.model.structure import Structure
from grnformer.train.batches import HELDOUT, STRUCTURE, Cells


def heldout_batches(cells: Cells, rows: np.ndarray, *, batch_size: int, repeats: int, seed: int) -> list[Batch]:
    """Held-out cells with a fixed draw of tokens and mask, `repeats` times: the same for every arm and model seed."""
    batches: list[Batch] = []
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        held = cells.read(part)
        rngs = (np.random.default_rng([seed, HELDOUT, start, repeat]) for repeat in range(repeats))
        batches.extend(cells.masked_batch(part, held, rng) for rng in rngs)
    if not batches:
        raise InputError("no held-out cell", "at least one", "raise pretrain.heldout_share")
    return batches


@torch.no_grad()
def evaluate(
    model: GRNFormer, structure: Structure | None, batches: Iterable[Batch], type_mean: np.ndarray, seed: int
) -> dict[str, Any]:
    """Score masked value prediction on fixed batches.

    Parameters
    ----------
    type_mean
        (types, N): mean value of each gene's tokens by cell type in training cells.

    Returns
    -------
    n (masked tokens); mse and pearson of the model, in units of each gene's deviation; floor_mse of the gene's
    training mean; floor_cell_type_mse and floor_cell_type_pearson of the gene's training mean within the cell's type,
    which is told that type.
    """
    was_training = model.training
    model.eval()
    device = model.mean_N.device
    truths, predictions, floors = [], [], []
    for number, batch in enumerate(batches):
        moved = batch.to(device)
        h_BTD = model(moved, structure, np.random.default_rng([seed, STRUCTURE, number]))
        masked = moved.masked_BL
        truths.append(model.target(moved)[masked].cpu().numpy())
        predictions.append(model.backbone.reconstruct(h_BTD, moved.gene_BL)[masked].cpu().numpy())
        of_type = np.take_along_axis(type_mean[batch.type_B], batch.gene_BL.numpy(), axis=1)
        genes = moved.gene_BL[masked]
        of_type_masked = torch.from_numpy(of_type[batch.masked_BL.numpy()]).to(model.mean_N)
        floors.append(((of_type_masked - model.mean_N[genes]) / model.deviation_N[genes]).cpu().numpy())
    model.train(was_training)
    truth, prediction, floor = (np.concatenate(x).astype(np.float64) for x in (truths, predictions, floors))
    return {
        "n": len(truth),
        "mse": float(np.mean((truth - prediction) ** 2)),
        "pearson": _pearson(truth, prediction),
        "floor_mse": float(np.mean(truth**2)),
        "floor_cell_type_mse": float(np.mean((truth - floor) ** 2)),
        "floor_cell_type_pearson": _pearson(truth, floor),
    }


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    """0 where either is constant."""
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / norm) if norm > 0 else 0.0
