"""Held-out scores of the masked objective, beside naive baselines on the same masked tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from grnformer.core.errors import InputError
from grnformer.data.batch import Batch
from grnformer.data.batcher import Batcher
from grnformer.data.streams import HELDOUT, STRUCTURE
from grnformer.graph.structure import Structure
from grnformer.model.grnformer import GRNFormer


def heldout_batches(
    cells: Batcher, rows: np.ndarray, *, batch_size: int, repeats: int, seed: int, first: int = 0
) -> list[Batch]:
    """Held-out cells with a fixed draw of tokens and mask, `repeats` times: the same for every arm and model seed.

    `first` counts the rows before these that have draws of their own.
    """
    batches: list[Batch] = []
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        held = cells.read(part)
        rngs = (np.random.default_rng([seed, HELDOUT, first + start, repeat]) for repeat in range(repeats))
        batches.extend(cells.masked_batch(part, held, rng) for rng in rngs)
    if not batches:
        raise InputError("no held-out cell", "at least one", "raise pretrain.heldout_fraction")
    return batches


def heldout_of_parts(
    cells: Batcher, rows: np.ndarray, *, batch_size: int, repeats: int, seed: int
) -> dict[str, list[Batch]]:
    """As `heldout_batches`, by the part (dataset of a corpus) that the cells are in."""
    sizes = {"batch_size": batch_size, "repeats": repeats, "seed": seed}
    found = {}
    for n, places in cells.corpus.divide(rows):
        found[cells.corpus.parts[n].name] = heldout_batches(cells, rows[places], first=int(places[0]), **sizes)
    return found or {"": heldout_batches(cells, rows, **sizes)}


@torch.no_grad()
def evaluate(
    model: GRNFormer, structure: Structure | None, batches: Iterable[Batch], type_mean: np.ndarray, seed: int
) -> dict[str, Any]:
    """Score the masked objective on fixed batches.

    Parameters
    ----------
    type_mean
        (types, N): mean value of each gene's tokens by cell type in training cells. Where a mask hides the gene itself:
        (types + 1, N), the share of each gene among the tokens, in the last row over all types.

    Returns
    -------
    n (masked tokens); loss and pearson of the model; baseline_loss of the gene's training mean; baseline_cell_type_loss
    and baseline_cell_type_pearson of its training mean in cells of the same type, which the model is not given;
    loss_unit. Losses of values are squared errors in units of each gene's SD (squared SD). Losses of masked genes are
    nats, those of the baselines by the gene's fraction of the training tokens; there are no correlations.
    """
    was_training = model.training
    model.eval()
    device = model.mean_N.device
    truths, predictions, baselines = [], [], []
    for number, batch in enumerate(batches):
        moved = batch.to(device)
        h_BTD, structure_BNS = model.run(moved, structure, np.random.default_rng([seed, STRUCTURE, number]))
        masked = moved.masked_BL
        if model.masks_genes:
            nats_M = model.losses(h_BTD, moved, structure_BNS)[0]
            share = type_mean[:, batch.gene_BL[batch.masked_BL].numpy()]
            type_M = np.broadcast_to(batch.type_B[:, None], batch.masked_BL.shape)[batch.masked_BL.numpy()]
            predictions.append(nats_M.cpu().numpy())
            truths.append(-np.log(share[-1]))
            baselines.append(-np.log(share[type_M, np.arange(len(type_M))]))
            continue
        truths.append(model.target(moved)[masked].cpu().numpy())
        predictions.append(model.predict(h_BTD, moved)[masked].cpu().numpy())
        of_type = np.take_along_axis(type_mean[batch.type_B], batch.gene_BL.numpy(), axis=1)
        genes = moved.gene_BL[masked]
        of_type_masked = torch.from_numpy(of_type[batch.masked_BL.numpy()]).to(model.mean_N)
        baselines.append(((of_type_masked - model.mean_N[genes]) / model.sd_N[genes]).cpu().numpy())
    model.train(was_training)
    truth, prediction, baseline = (np.concatenate(x).astype(np.float64) for x in (truths, predictions, baselines))

    scores: dict[str, Any] = {"n": len(truth), "loss_unit": model.backbone.loss_unit}
    if model.masks_genes:
        losses = {"loss": prediction, "baseline_loss": truth, "baseline_cell_type_loss": baseline}
        scores |= {name: float(nats.mean()) for name, nats in losses.items()}
        return scores | {"pearson": None, "baseline_cell_type_pearson": None}
    return scores | {
        "loss": float(np.mean((truth - prediction) ** 2)),
        "pearson": _pearson(truth, prediction),
        "baseline_loss": float(np.mean(truth**2)),
        "baseline_cell_type_loss": float(np.mean((truth - baseline) ** 2)),
        "baseline_cell_type_pearson": _pearson(truth, baseline),
    }


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    """0 where either is constant."""
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / norm) if norm > 0 else 0.0
