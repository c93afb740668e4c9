"""Masked value prediction from a gene's state and from the cell embedding, and its optimiser."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn

from grnformer.data.batch import Batch
from grnformer.graph.perturb import Perturbation
from grnformer.graph.structure import Structure
from grnformer.model.grnformer import GRNFormer

SCALARS = ("adapter.beta", "adapter.self_bonus", "candidates.beta")


class Part:
    """A batch and the random numbers of its graphs."""

    # A plain class: Lightning converts tensors in dataclasses and dictionaries, and would copy the batch.

    def __init__(self, batch: Batch, rng: np.random.Generator) -> None:
        self.batch, self.rng = batch, rng


class MaskedValueLoss(nn.Module):
    """Loss of one arm: the model, its graphs (None: no adapter) and the perturbation of their edges.

    `spread`: weight of `spread_loss` of the cell embeddings.
    """

    def __init__(
        self,
        model: GRNFormer,
        structure: Structure | None,
        perturbation: Perturbation,
        spread: float = 0.0,
    ) -> None:
        super().__init__()
        self.model, self.structure, self.perturbation = model, structure, perturbation
        self.spread = spread

    def forward(
        self, part: Part
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """Mean loss of the masked tokens from the genes' states, and from the cell embedding where there is one.

        0 of a part without a masked token: a fraction of few tokens may be none. Third, where it has a weight, the
        weighted `spread_loss` of the part's cells.
        """
        h_BTD, structure_BNS = self.model.run(
            part.batch, self.structure, part.rng, self.perturbation, for_loss=True
        )
        from_gene, from_cell = self.model.losses(h_BTD, part.batch, structure_BNS)
        spread = None
        if self.spread:
            embedding_BE = self.model.backbone.cell_embedding(h_BTD, part.batch)
            spread = self.spread * spread_loss(embedding_BE)
        return _mean(from_gene), None if from_cell is None else _mean(from_cell), spread


def spread_loss(embedding_BE: torch.Tensor) -> torch.Tensor:
    """Variance and covariance terms of VICReg (Bardes et al. 2022, doi 10.48550/arXiv.2105.04906), equally weighted.

    What the SD of each entry lacks to 1, on average, and the squared covariances of different entries over the number
    of entries. 0 of fewer than two cells.

    Parameters
    ----------
    embedding_BE
        Embeddings of a batch's cells.
    """
    n_cells, width = embedding_BE.shape
    if n_cells < 2:
        return embedding_BE.sum() * 0.0

    # In float32: squares of covariances would vanish in lower precision.
    centred_BE = embedding_BE.float() - embedding_BE.float().mean(0)
    covariance_EE = centred_BE.T @ centred_BE / (n_cells - 1)
    variance_E = covariance_EE.diagonal()

    # The small number keeps the gradient of the root finite where cells are alike.
    lacking = torch.relu(1.0 - torch.sqrt(variance_E + 1e-4)).mean()
    shared = (covariance_EE**2).sum() - (variance_E**2).sum()
    return lacking + shared / width


def _mean(losses_M: torch.Tensor) -> torch.Tensor:
    # An empty mean is NaN; an empty sum is 0 and has a gradient.
    return losses_M.mean() if len(losses_M) else losses_M.sum()


def make_optimiser(model: GRNFormer, settings: dict[str, Any]) -> torch.optim.Optimizer:
    """AdamW; the adapter's scalars have a separate rate and no decay.

    `settings`: learning_rate, adapter_scalar_rate, weight_decay.
    """
    scalars, weights, numbers = [], [], []
    for name, parameter in model.named_parameters():
        if name in SCALARS:
            scalars.append(parameter)
        elif parameter.ndim:
            weights.append(parameter)
        else:
            numbers.append(parameter)

    # 0-d parameters stand apart: they are replicated where the other weights are divided among processes, and an
    # optimiser's group must be of one kind.
    usual = {"lr": settings["learning_rate"], "weight_decay": settings["weight_decay"]}
    adapter = {"lr": settings["adapter_scalar_rate"], "weight_decay": 0.0}
    groups: list[dict[str, Any]] = [
        {"params": weights, **usual},
        {"params": scalars, **adapter},
        {"params": numbers, **usual},
    ]
    # On a GPU one kernel updates all weights. On a CPU that kernel amplifies rounding: parts of a batch that are
    # accumulated then train another model than the whole.
    fused = weights[0].device.type == "cuda"
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], fused=fused or None
    )


def learning_rate_fraction(step: int, warmup: int, steps: int) -> float:
    """Fraction of the highest learning rate at a step (from 0): linear warm-up, then cosine to a tenth."""
    if step < warmup:
        # Not step / warmup: the first step would change nothing.
        return (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    return 0.1 + 0.45 * (1 + math.cos(math.pi * done))
