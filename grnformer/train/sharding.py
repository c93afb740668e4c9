"""Weights, gradients and the optimiser's state divided among the processes (FSDP2 of PyTorch, arXiv 2304.11277).

Each layer of the backbone is gathered while it is computed; all else (embeddings, heads, graph encoders, adapter) is
gathered for the whole step. Weights are divided by rows. Scalars (beta, the bonus of a gene's own position) are
replicated: a 0-d parameter cannot be sharded.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from grnformer.model.grnformer import GRNFormer
from grnformer.train.loss import MaskedValueLoss
from grnformer.train.parallelism import Replicated, find_layers, own_values

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch.distributed.device_mesh import DeviceMesh


def shard(loss: MaskedValueLoss, mesh: DeviceMesh, precision: str) -> MaskedValueLoss:
    """Divide the weights of a model among the processes of `mesh` (its dimension data_parallel), in place.

    `precision` bf16-mixed: layers are gathered and computed in bfloat16, gradients are summed in float32.
    """
    mesh = mesh["data_parallel"]
    loss.to(
        torch.device(mesh.device_type, torch.cuda.current_device())
        if mesh.device_type == "cuda"
        else "cpu"
    )

    policy = MixedPrecisionPolicy()
    if precision == "bf16-mixed":
        policy = MixedPrecisionPolicy(
            torch.bfloat16, reduce_dtype=torch.float32, output_dtype=torch.float32
        )

    # Layers first: the outer call takes the weights that are left.
    for layer in find_layers(loss.model.backbone):
        layer.forward = _each_part(layer.forward)
        layer.takes_parts = True  # type: ignore[assignment]
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(loss, mesh=mesh, ignored_params=set(_scalars(loss)))
    return loss


class Sharded(Replicated):
    """Weights are divided among the processes; the first has a whole copy too, on the CPU, to score and save."""

    def __init__(
        self,
        fabric: Fabric,
        loss: MaskedValueLoss,
        settings: dict[str, Any],
        *,
        compiled: bool = False,
    ) -> None:
        # Copied before the weights are divided, which happens in place.
        self._whole = copy.deepcopy(loss.model) if fabric.is_global_zero else None
        super().__init__(fabric, loss, settings, compiled=compiled)
        self._scalars = [p for p in _scalars(loss) if p.requires_grad]

    @contextmanager
    def part(self, *, last: bool) -> Iterator[None]:
        # Gradients are divided after each part: complete ones would take the memory that is to be saved.
        yield

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of a part (*).

        Which weights have a part in the loss may differ between processes (a batch may have no open edge), but all
        must exchange the same gradients: what another process uses gets a gradient of 0 here.
        """
        # Outside of layers, weights are gathered since the forward pass: plain tensors.
        gathered = [
            p
            for p in self.bare.parameters()
            if p.requires_grad and not isinstance(p, DTensor)
        ]
        used = find_used(loss)

        uses = torch.tensor(
            [float(id(p) in used) for p in gathered], device=self.fabric.device
        )
        dist.all_reduce(uses)
        for parameter, n_uses in zip(gathered, uses.tolist(), strict=True):
            if n_uses > 0 and id(parameter) not in used:
                loss = loss + 0.0 * parameter.sum()
        super().backward(loss)

    def clip(self, max_norm: float) -> float:
        # Scalars are not part of FSDP's exchange: their gradients are averaged here.
        scalars = [p.grad for p in self._scalars if p.grad is not None]
        if scalars:
            mean = torch.stack(scalars)
            dist.all_reduce(mean)
            for gradient, value in zip(
                scalars, mean / self.fabric.world_size, strict=True
            ):
                gradient.copy_(value)

        # Squares of the rows add up over processes to the square of the complete gradient.
        local = [
            own_values(p)[1] for p in self.bare.parameters() if isinstance(p, DTensor)
        ]
        square = _square(local, self.fabric.device)
        dist.all_reduce(square)
        norm = float((square + _square(scalars, self.fabric.device)).sqrt())

        # The small number is that of torch.nn.utils.clip_grad_norm_, which sees only complete gradients.
        scale = min(1.0, max_norm / (norm + 1e-6))
        if scale < 1:
            for each in [*local, *scalars]:
                if each is not None:
                    each.mul_(scale)
        return norm

    @contextmanager
    def whole_model(self) -> Iterator[GRNFormer]:
        # All processes take part, though only the first has the copy.
        weights = self._gather(self.bare.model.state_dict())
        if self._whole is None:
            yield self.bare.model
            return

        self._whole.load_state_dict(weights)
        self._whole.to(self.fabric.device)
        yield self._whole
        self._whole.cpu()

    def state(self) -> dict[str, Any]:
        optimiser = self.optimiser.state_dict()
        moments = {
            number: self._gather(state) for number, state in optimiser["state"].items()
        }
        weights = self._gather(self.bare.model.state_dict())
        return {"model": weights, "optimiser": {**optimiser, "state": moments}}

    def load(self, state: dict[str, Any]) -> None:
        own = self.bare.model.state_dict()
        if own.keys() != state["model"].keys():
            raise ValueError(
                f"weights of another model: {sorted(own.keys() ^ state['model'].keys())[:3]}"
            )
        with torch.no_grad():
            for name, value in state["model"].items():
                own[name].copy_(_divided(value, own[name]))

        # The state goes by number: that of a parameter in the order of the groups.
        parameters = [
            p for group in self.optimiser.param_groups for p in group["params"]
        ]
        moments = {
            number: {
                name: _divided(value, parameters[number])
                for name, value in of_one.items()
            }
            for number, of_one in state["optimiser"]["state"].items()
        }
        self.optimiser.load_state_dict({**state["optimiser"], "state": moments})

    def _gather(self, tensors: dict[str, Any]) -> dict[str, Any]:
        """The tensors whole, on the CPU of the first process; one at a time, so that no GPU holds all."""
        gathered = {}
        for name, value in tensors.items():
            # In every process: each has rows that the first lacks.
            whole = value.full_tensor() if isinstance(value, DTensor) else value
            if self._whole is not None:
                gathered[name] = (
                    whole.detach().cpu() if isinstance(whole, torch.Tensor) else whole
                )
        return gathered


def find_used(loss: torch.Tensor) -> set[int]:
    """Ids of the leaves of the graph behind `loss`."""
    leaves: set[int] = set()
    seen: set[Any] = set()
    # A list and no recursion: the graph may be deeper than Python's stack.
    waiting: list[Any] = [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)

        if hasattr(node, "variable"):
            leaves.add(id(node.variable))
        waiting.extend(following for following, _ in node.next_functions)
    return leaves


def _scalars(module: nn.Module) -> list[nn.Parameter]:
    return [p for p in module.parameters() if p.ndim == 0]


def _square(
    gradients: list[torch.Tensor | None] | list[torch.Tensor], device: torch.device
) -> torch.Tensor:
    # Squares over all weights add up in double precision.
    norms = [torch.linalg.vector_norm(g).double() for g in gradients if g is not None]
    return (
        torch.stack(norms).square().sum()
        if norms
        else torch.zeros((), dtype=torch.float64, device=device)
    )


def _divided(value: Any, like: torch.Tensor) -> Any:
    """This process's rows of a whole tensor, as `like` is divided; what has no rows as it is."""
    if (
        not isinstance(like, DTensor)
        or not isinstance(value, torch.Tensor)
        or value.ndim == 0
    ):
        return value
    # None: each process has read the whole, and nothing is sent.
    return distribute_tensor(
        value.to(like.device), like.device_mesh, like.placements, src_data_rank=None
    )


def _each_part(forward: Callable[..., Any]) -> Callable[..., Any]:
    """A layer that takes lists (states of groups of cells, and what they attend to) as well as one of each.

    A call gathers the layer's weights, and every process must gather as often as the others, whose cells may fall
    into more groups.
    """

    def each(x: Any, *others: Any) -> Any:
        if isinstance(x, list):
            return [forward(*part) for part in zip(x, *others, strict=True)]
        return forward(x, *others)

    return each
