"""The training loop: steps, checkpoints, logging. Everything random follows from (seed, step, part)."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import torch

from grnformer.data.batch import Batch
from grnformer.data.batches import STRUCTURE, StepBatches, StepParts, load
from grnformer.infer.evaluate import evaluate
from grnformer.model.grnformer import GRNFormer
from grnformer.train.checkpoints import Checkpoints
from grnformer.train.divergence import Divergence, batch_path, save_batch
from grnformer.train.loss import MaskedValueLoss, Part, learning_rate_fraction
from grnformer.train.parallelism import Spread
from grnformer.train.preemption import Notice, Preempted, mark, preemption_notice
from grnformer.train.progress import Progress, Record, peak_memory

if TYPE_CHECKING:
    from lightning.fabric import Fabric

logger = logging.getLogger(__name__)
_PARTS = 1 << 40  # seeds of the parts of a step stand this far apart


@dataclass(frozen=True)
class Plan:
    """What a run does: its seed and identity, settings of optimiser and run-time, held-out cells to look at.

    `heldout` are fixed batches, `type_mean` the baseline's means, `stop_after` a step to end early at, as if
    interrupted.
    """

    seed: int
    key: str
    strategy: str
    compiled: bool
    steps: int
    accumulate: int
    optimiser: dict[str, Any]
    checkpoints: dict[str, Any]
    workers: int
    progress_seconds: float
    tensorboard: bool
    heldout: list[Batch]
    heldout_seed: int
    type_mean: np.ndarray
    stop_after: int | None = None


def run_training(
    fabric: Fabric, loss: MaskedValueLoss, batches: StepBatches, folder: Path, plan: Plan
) -> tuple[GRNFormer, list[dict[str, Any]]]:
    """Train from the newest whole checkpoint in `folder`, or from the start.

    Returns the model (whole in the first process) and the rows of the training curve.

    Raises
    ------
    Preempted
        On SIGTERM or SIGUSR1, after the step's checkpoint was written.
    Divergence
        If a loss or gradient is not finite; the batch was saved.
    """
    with _deterministic(), preemption_notice() as notice:
        return _Run(fabric, loss, batches, folder, plan, notice).train()


class _Run:
    def __init__(
        self, fabric: Fabric, loss: MaskedValueLoss, batches: StepBatches, folder: Path, plan: Plan, notice: Notice
    ) -> None:
        self.fabric, self.bare, self.plan, self.notice = fabric, loss, plan, notice
        self.batches, self.folder = batches, folder
        self.checkpoints = Checkpoints(folder, plan.key, plan.checkpoints["keep"])
        self.spread = _spread(fabric, loss, plan)
        self.loss, self.optimiser = self.spread.loss, self.spread.optimiser
        self.loss.train()
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.curve: list[dict[str, Any]] = []
        self.since: list[float] = []
        self.norms: list[float] = []
        self.saved = time.monotonic()

    def train(self) -> tuple[GRNFormer, list[dict[str, Any]]]:
        plan, fabric = self.plan, self.fabric
        start = self._resume()
        end = plan.steps if plan.stop_after is None else min(plan.stop_after, plan.steps)
        self.batches.divide(start, fabric.global_rank, fabric.world_size, plan.accumulate)
        record = Record(self.folder / "tensorboard" if plan.tensorboard and fabric.is_global_zero else None, start)
        progress = Progress(start, plan.steps, plan.progress_seconds, shown=fabric.is_global_zero)
        with record, progress:
            for step, parts in load(self.batches, end, plan.workers, pinned=fabric.device.type == "cuda"):
                mean, stop, due = self._step(step, parts)
                done = step + 1
                progress.advance(done, mean, parts.tokens)
                self._log(done, record, progress)
                if stop or due or done == plan.steps or done % plan.checkpoints["steps"] == 0:
                    self._save(done)
                if stop and done < end:
                    message = f"{self.notice.name or 'a signal to another process'}: saved after step {done}"
                    if fabric.is_global_zero and fabric.world_size > 1:
                        mark(self.folder, message)
                    raise Preempted(message)
        with self.spread.whole_model() as model:
            self.spread.close()
            return model, self.curve

    def _step(self, step: int, parts: StepParts) -> tuple[float, bool, bool]:
        """One step of the optimiser. Returns the mean loss over processes, whether to stop and whether to save."""
        plan, fabric = self.plan, self.fabric
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * learning_rate_fraction(step, plan.optimiser["warmup_steps"], plan.steps)
        self.optimiser.zero_grad()
        total, objective = torch.zeros((), dtype=torch.float64, device=fabric.device), []
        for j, (batch, share) in enumerate(zip(parts.batches, parts.shares, strict=True)):
            number = fabric.global_rank * plan.accumulate + j
            torch.manual_seed(
                plan.seed * 1_000_003 + step + number * _PARTS
            )  # dropout: by step, so that resuming is exact
            rng = np.random.default_rng([plan.seed, STRUCTURE, step, *([number] if number else [])])
            with self.spread.part(last=j == plan.accumulate - 1):
                from_gene, from_cell = self.loss(Part(batch.to(fabric.device), rng))
                loss = from_gene if from_cell is None else from_gene + plan.optimiser["cell_loss"] * from_cell
                self.spread.backward(loss * (share / plan.accumulate))
            objective.append(loss.detach())
            total = total + from_gene.detach().double() * share / plan.accumulate
        norm = self.spread.clip(plan.optimiser["clip"])
        minutes = (time.monotonic() - self.saved) / 60
        finite = math.isfinite(norm) and bool(torch.isfinite(torch.stack(objective)).all())
        flags = [self.notice.name is not None, minutes >= plan.checkpoints["minutes"], not finite]
        told = [float(total), *map(float, flags)]
        if fabric.world_size > 1:
            shared: Any = fabric.all_reduce(torch.tensor(told, dtype=torch.float64), reduce_op="mean")
            told = shared.tolist()
        if told[3] > 0:
            self._diverged(step, parts.batches, torch.stack(objective).tolist(), norm)
        self.norms.append(norm)
        self.optimiser.step()
        self.since.append(told[0])
        return told[0], told[1] > 0, told[2] > 0

    def _log(self, done: int, record: Record, progress: Progress) -> None:
        optimiser, row = self.plan.optimiser, None
        if done % optimiser["log_every"] == 0:
            row = self._row(done, "train", float(np.mean(self.since)))
            row |= {"tokens_per_second": progress.speed(), "memory_mb": peak_memory(self.fabric.device)}
            row |= {"gradient_norm": float(np.mean(self.norms)), "learning_rate": self.optimiser.param_groups[0]["lr"]}
            self.since, self.norms = [], []
            self._note(row, record)
        if done % optimiser["evaluate_every"] == 0 or done == self.plan.steps:
            plan = self.plan
            with self.spread.whole_model() as model:
                if self.fabric.is_global_zero:
                    scores = evaluate(model, self.bare.structure, plan.heldout, plan.type_mean, plan.heldout_seed)
                    self._note(self._row(done, "heldout", float(scores["loss"])), record)
            progress.restart()

    def _row(self, done: int, split: str, loss: float) -> dict[str, Any]:
        beta = self.spread.beta()
        empty = dict.fromkeys(("tokens_per_second", "memory_mb", "gradient_norm", "learning_rate"))
        row = {"step": done, "epoch": (done - 1) // self.batches.steps_per_epoch, "split": split, "loss": loss}
        return row | empty | {"beta": beta}

    def _note(self, row: dict[str, Any], record: Record) -> None:
        self.curve.append(row)
        record.add(row)
        if self.fabric.is_global_zero:
            logger.info("%s", row)

    def _save(self, done: int) -> None:
        state = self.spread.state()
        if self.fabric.is_global_zero:
            path = self.checkpoints.save(done, {**state, "curve": self.curve, "since": self.since, "norms": self.norms})
            logger.info("saved %s", path)
        self.fabric.barrier()
        self.saved = time.monotonic()

    def _resume(self) -> int:
        path = self.fabric.broadcast(self.checkpoints.newest() if self.fabric.is_global_zero else None)
        if path is None:
            return 0
        state = self.checkpoints.read(path)
        self.spread.load(state)
        self.curve, self.since, self.norms = state["curve"], state["since"], state["norms"]
        logger.info("resuming after step %d from %s", state["step"], path)
        return int(state["step"])

    def _diverged(self, step: int, batches: list[Batch], losses: list[float], norm: float) -> NoReturn:
        """Save the batch whose loss is no number, else (the gradient alone is none) the last; all processes stop."""
        what, batch, fabric = f"the norm of the gradient is {norm}", batches[-1], self.fabric
        found = [(loss, part) for loss, part in zip(losses, batches, strict=True) if not math.isfinite(loss)]
        if found:
            what, batch = f"the loss is {found[0][0]}", found[0][1]
        told: list[Any] = [(what, bool(found))]
        if fabric.world_size > 1:
            told = [None] * fabric.world_size
            torch.distributed.all_gather_object(told, (what, bool(found)))
        guilty = [rank for rank, (_, own) in enumerate(told) if own] or list(range(len(told)))
        if fabric.global_rank in guilty:
            save_batch(batch, self.folder, step, fabric.global_rank)
        fabric.barrier()
        paths = [batch_path(self.folder, step, rank) for rank in guilty]
        raise Divergence(told[guilty[0]][0], step, paths, self.bare.model)


def _spread(fabric: Fabric, loss: MaskedValueLoss, plan: Plan) -> Spread:
    if plan.strategy != "fsdp" or fabric.world_size == 1:
        return Spread(fabric, loss, plan.optimiser, compiled=plan.compiled)
    from grnformer.train.sharding import Sharded

    return Sharded(fabric, loss, plan.optimiser, compiled=plan.compiled)


@contextmanager
def _deterministic() -> Iterator[None]:
    """Ask for operations whose results do not depend on chance, meanwhile."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
