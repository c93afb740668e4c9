"""Where the weights of a run are: complete in every process, or divided among them (`sharding`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from grnformer.model.backbones.base import Backbone
from grnformer.model.grnformer import GRNFormer
from grnformer.train.compiled import compile_layers, restore_layers
from grnformer.train.loss import MaskedValueLoss, make_optimiser

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Replicated:
    """Every process has all weights (one process, or DDP). What all processes must do together is marked (*).

    Parameters
    ----------
    fabric
        The processes.
    loss
        Model and loss, on the CPU.
    settings
        Of the optimiser, see `make_optimiser`.
    compiled
        Compile the backbone's layers.
    """

    def __init__(
        self,
        fabric: Fabric,
        loss: MaskedValueLoss,
        settings: dict[str, Any],
        *,
        compiled: bool = False,
    ) -> None:
        self.fabric, self.bare = fabric, loss
        self.layers = find_layers(loss.model.backbone)
        # Before the module is wrapped or divided.
        if compiled:
            compile_layers(self.layers, fabric.device)

        self.loss: Any = fabric.setup_module(loss, move_to_device=True)
        # After it: where weights are divided, the parameters are other ones.
        self.optimiser: Any = fabric.setup_optimizers(
            make_optimiser(loss.model, settings)
        )

    @contextmanager
    def part(self, *, last: bool) -> Iterator[None]:
        """Forward and backward of one part of the step; `last` of the process's."""
        # Gradients are exchanged once a step, with its last part.
        with self.fabric.no_backward_sync(self.loss, enabled=not last):
            yield

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of a part (*)."""
        self.fabric.backward(loss)

    def clip(self, max_norm: float) -> float:
        """Scale the gradients to at most this norm, after the last part (*). Returns the norm before."""
        # No error here: the loop stops all processes, and saves the batch.
        norm: Any = self.fabric.clip_gradients(
            self.loss, self.optimiser, max_norm=max_norm, error_if_nonfinite=False
        )
        return float(norm)

    @contextmanager
    def whole_model(self) -> Iterator[GRNFormer]:
        """The model with all its weights, to score it (*); where they are divided, only in the first process."""
        # Scoring is short, and its other sizes would be compiled anew.
        with torch.compiler.set_stance("force_eager"):
            yield self.bare.model

    def close(self) -> None:
        """Leave the model as it was given, but trained."""
        restore_layers(self.layers)

    def state(self) -> dict[str, Any]:
        """Weights and the optimiser's state, complete (*); where they are divided, only in the first process."""
        return {
            "model": self.bare.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take what `state` gave, whatever the number of processes then and now."""
        self.bare.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])

    def beta(self) -> float | None:
        """The adapter's beta."""
        adapter = self.bare.model.adapter
        return None if adapter is None else float(adapter.beta.detach())


def own_values(parameter: nn.Parameter) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Value and gradient of a parameter, or of this process's rows of it."""
    # A divided tensor keeps its rows in _local_tensor; a plain one has none.
    value, gradient = parameter.detach(), parameter.grad
    return getattr(value, "_local_tensor", value), getattr(
        gradient, "_local_tensor", gradient
    )


def find_layers(backbone: Backbone) -> list[nn.Module]:
    """The layers of a backbone that are computed by calling them, those of a decoder last."""
    layers = list(backbone.get_submodule(backbone.stack).children())
    if backbone.decoder_stack is not None:
        layers += backbone.get_submodule(backbone.decoder_stack).children()
    return layers
