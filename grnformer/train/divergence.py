"""Dump of a diverged run (non-finite loss or gradient): the batch, and an error that says where."""

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

    def __init__(
        self, what: str, step: int, paths: list[Path], model: nn.Module
    ) -> None:
        saved = ", ".join(map(str, paths))
        super().__init__(
            f"{what} at step {step}; {_locate(model)}. The batch is saved in {saved}. Lower the learning rate; the "
            "checkpoint before this step is complete, and a run of the same settings would end here again"
        )


def _locate(model: nn.Module) -> str:
    """Which weights or gradients are not finite; where all are, the largest weight."""
    found = []
    largest, place = 0.0, ""
    # Of a divided weight the rows in this process, which may be none.
    for name, parameter in model.named_parameters():
        value, gradient = own_values(parameter)
        if not torch.isfinite(value).all():
            found.append(f"weights of {name}")
        elif gradient is not None and not torch.isfinite(gradient).all():
            found.append(f"gradient of {name}")
        elif value.numel() and float(value.abs().max()) >= largest:
            largest, place = float(value.abs().max()), name

    if not found:
        return f"all weights and gradients are finite, the largest weight is {largest:.3g} in {place}"
    more = " ..." if len(found) > 3 else ""
    return f"not finite: {', '.join(found[:3])}{more}"


def batch_path(folder: Path, step: int, rank: int) -> Path:
    """Where `save_batch` writes."""
    return folder / f"diverged_step{step}_process{rank}.pt"


def save_batch(batch: Batch, folder: Path, step: int, rank: int) -> None:
    """Write the tensors of a batch to `folder`, for torch.load(..., weights_only=True)."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value
        for name, value in vars(batch).items()
        if isinstance(value, torch.Tensor)
    }
    # As a tensor too: torch's restricted loader refuses numpy arrays.
    tensors["type_B"] = torch.as_tensor(batch.type_B)
    torch.save({**tensors, "step": step}, batch_path(folder, step, rank))
