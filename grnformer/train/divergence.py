"""What is left of a run whose loss or gradient is no number: the batch, and an error that says where."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from grnformer.model.batch import Batch


class Divergence(FloatingPointError):
    """Training has diverged.

    Parameters
    ----------
    what
        What is not finite.
    step
        Step, from 0.
    path
        Where the batch was saved.
    model
        Whose first parameters with values or gradients that are not finite are named.
    """

    def __init__(self, what: str, step: int, path: Path, model: nn.Module) -> None:
        found = []
        for name, parameter in model.named_parameters():
            if not torch.isfinite(parameter).all():
                found.append(f"weights of {name}")
            elif parameter.grad is not None and not torch.isfinite(parameter.grad).all():
                found.append(f"gradient of {name}")
        where = f"not finite: {', '.join(found[:3])}{' ...' if len(found) > 3 else ''}"
        if not found:
            largest, name = max((float(p.detach().abs().max()), name) for name, p in model.named_parameters())
            where = f"all weights and gradients are finite, the largest weight is {largest:.3g} in {name}"
        super().__init__(
            f"{what} at step {step}; {where}. The batch is saved in {path}. Lower the learning rate; the "
            "checkpoint before this step is whole, and a run of the same settings would end here again"
        )


def save_batch(batch: Batch, folder: Path, step: int, rank: int) -> Path:
    """Write the tensors of a batch to `folder`, for torch.load(..., weights_only=True)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"diverged_step{step}_process{rank}.pt"
    tensors = {name: value for name, value in vars(batch).items() if isinstance(value, torch.Tensor)}
    torch.save({**tensors, "type_B": torch.as_tensor(batch.type_B), "step": step}, path)
    return path
