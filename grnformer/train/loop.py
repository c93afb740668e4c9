"""The training loop: steps, checkpoints, logging. Everything random follows from (seed, step, part)."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from grnformer.model.batch import Batch
from grnformer.train.batches import STRUCTURE, StepBatches, StepParts, load
from grnformer.train.checkpoints import Checkpoints
from grnformer.train.divergence import Divergence, save_batch
from grnformer.train.evaluate import evaluate
from grnformer.train.preemption import Notice, Preempted, preemption_notice
from grnformer.train.progress import Progress, Record, peak_memory
from grnformer.train.task import MaskedValueLoss, Part, learning_rate_share, make_optimiser

if TYPE_CHECKING:
    from lightning.fabric import Fabric

LOGGER = logging.getLogger("grnformer.train")
_PARTS = 1 << 40  # seeds of the parts of a step stand this far apart


@dataclass(frozen=True)
class Plan:
    """What a run does: its seed and identity, settings of optimiser and run-time, held-out cells to look at.

    `heldout` are fixed batches, `type_mean` the floor's means, `stop_after` a step to end early at, as if interrupted.
    """

    seed: int
    key: str
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
) -> list[dict[str, Any]]:
    """Train from the newest whole checkpoint in `folder`, or from the start; returns the rows of the training curve.

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
        self.loss = fabric.setup_module(loss, move_to_device=True)
        self.loss.train()
        optimiser = make_optimiser(loss.model, plan.optimiser)
        self.rates = [group["lr"] for group in optimiser.param_groups]
        self.optimiser: Any = fabric.setup_optimizers(optimiser)
        self.curve: list[dict[str, Any]] = []
        self.since: list[float] = []
        self.norms: list[float] = []
        self.saved = time.monotonic()

    def train(self) -> list[dict[str, Any]]:
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
                    raise Preempted(f"{self.notice.name or 'a signal to another process'}: saved after step {done}")
        return self.curve

    def _step(self, step: int, parts: StepParts) -> tuple[float, bool, bool]:
        """One step of the optimiser. Returns the mean loss over processes, whether to stop and whether to save."""
        plan, fabric = self.plan, self.fabric
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * learning_rate_share(step, plan.optimiser["warmup_steps"], plan.steps)
        self.optimiser.zero_grad()
        total = 0.0
        for j, (batch, share) in enumerate(zip(parts.batches, parts.shares, strict=True)):
            number = fabric.global_rank * plan.accumulate + j
            torch.manual_seed(
                plan.seed * 1_000_003 + step + number * _PARTS
            )  # dropout: by step, so that resuming is exact
            rng = np.random.default_rng([plan.seed, STRUCTURE, step, *([number] if number else [])])
            last = j == plan.accumulate - 1
            with nullcontext() if last else fabric.no_backward_sync(self.loss):
                from_gene, from_cell = self.loss(Part(batch.to(fabric.device), rng))
                loss = from_gene if from_cell is None else from_gene + plan.optimiser["cell_loss"] * from_cell
                loss = loss * (share / plan.accumulate)
                if not torch.isfinite(loss):
                    self._diverged(f"the loss is {loss.item()}", step, batch)
                fabric.backward(loss)
            total += float(from_gene.detach()) * share / plan.accumulate
        norm = fabric.clip_gradients(
            self.loss, self.optimiser, max_norm=plan.optimiser["clip"], error_if_nonfinite=False
        )
        self.norms.append(float(norm))  # type: ignore[arg-type]  # a tensor where max_norm is given
        if not math.isfinite(self.norms[-1]):
            self._diverged(f"the norm of the gradient is {self.norms[-1]}", step, parts.batches[-1])
        self.optimiser.step()
        minutes = (time.monotonic() - self.saved) / 60
        told = [total, float(self.notice.name is not None), float(minutes >= plan.checkpoints["minutes"])]
        if fabric.world_size > 1:
            shared: Any = fabric.all_reduce(torch.tensor(told, dtype=torch.float64), reduce_op="mean")
            told = shared.tolist()
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
            model, plan = self.bare.model, self.plan
            if self.fabric.is_global_zero:
                scores = evaluate(model, self.bare.structure, plan.heldout, plan.type_mean, plan.heldout_seed)
                self._note(self._row(done, "heldout", float(scores["mse"])), record)
            progress.restart()

    def _row(self, done: int, split: str, loss: float) -> dict[str, Any]:
        adapter = self.bare.model.adapter
        beta = None if adapter is None else float(adapter.beta.detach())
        empty = dict.fromkeys(("tokens_per_second", "memory_mb", "gradient_norm", "learning_rate"))
        row = {"step": done, "epoch": (done - 1) // self.batches.steps_per_epoch, "split": split, "loss": loss}
        return row | empty | {"beta": beta}

    def _note(self, row: dict[str, Any], record: Record) -> None:
        self.curve.append(row)
        record.add(row)
        if self.fabric.is_global_zero:
            LOGGER.info("%s", row)

    def _save(self, done: int) -> None:
        if self.fabric.is_global_zero:
            path = self.checkpoints.save(
                done,
                {
                    "model": self.bare.model.state_dict(),
                    "optimiser": self.optimiser.state_dict(),
                    "curve": self.curve,
                    "since": self.since,
                    "norms": self.norms,
                },
            )
            LOGGER.info("saved %s", path)
        self.fabric.barrier()
        self.saved = time.monotonic()

    def _resume(self) -> int:
        path = self.fabric.broadcast(self.checkpoints.newest() if self.fabric.is_global_zero else None)
        if path is None:
            return 0
        state = self.checkpoints.read(path)
        self.bare.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.curve, self.since, self.norms = state["curve"], state["since"], state["norms"]
        LOGGER.info("resuming after step %d from %s", state["step"], path)
        return int(state["step"])

    def _diverged(self, what: str, step: int, batch: Batch) -> None:
        path = save_batch(batch, self.folder, step, self.fabric.global_rank)
        raise Divergence(what, step, path, self.bare.model)


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
