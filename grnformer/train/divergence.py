"""What is left of a run whose loss or gradient is no number: the batch, and an error that says where."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from grnformer.data.batch import Batch
from grnformer.train.parallelism import own_values

AFFECTS_RESULTS = False


class Divergence(FloatingPointError):
    """Training has diverged.

    Parameters
    ----------
    what
        What is not finite.
    step
        Step, from 0.
    paths
        Where the batches were saved.
    model
        Whose first parameters with values or gradients that are not finite are named (of those that lie in this
        process).
    """

    def __init__(self, what: str, step: int, paths: list[Path], model: nn.Module) -> None:
        found = []
        own = {name: own_values(parameter) for name, parameter in model.named_parameters()}
        for name, (value, gradient) in own.items():
            if not torch.isfinite(value).all():
                found.append(f"weights of {name}")
            elif gradient is not None and not torch.isfinite(gradient).all():
                found.append(f"gradient of {name}")
        where = f"not finite: {', '.join(found[:3])}{' ...' if len(found) > 3 else ''}"
        if not found:
            largest, name = max((float(value.abs().max()), name) for name, (value, _) in own.items() if value.numel())
            where = f"all weights and gradients are finite, the largest weight is {largest:.3g} in {name}"
        saved = ", ".join(map(str, paths))
        super().__init__(
            f"{what} at step {step}; {where}. The batch is saved in {saved}. Lower the learning rate; the "
            "checkpoint before this step is whole, and a run of the same settings would end here again"
        )


def batch_path(folder: Path, step: int, rank: int) -> Path:
    """Where `save_batch` writes."""
    return folder / f"diverged_step{step}_process{rank}.pt"


def save_batch(batch: Batch, folder: Path, step: int, rank: int) -> None:
    """Write the tensors of a batch to `folder`, for torch.load(..., weights_only=True)."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value for name, value in vars(batch).items() if isinstance(value, torch.Tensor)}
    torch.save({**tensors, "type_B": torch.as_tensor(batch.type_B), "step": step}, batch_path(folder, step, rank))
