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
from grnformer.data.steps import StepBatches, StepParts, load
from grnformer.data.streams import STRUCTURE
from grnformer.infer.evaluate import evaluate
from grnformer.model.grnformer import GRNFormer
from grnformer.train.checkpoints import Checkpoints
from grnformer.train.divergence import Divergence, batch_path, save_batch
from grnformer.train.loss import MaskedValueLoss, Part, learning_rate_fraction
from grnformer.train.parallelism import Replicated
from grnformer.train.preemption import Notice, Preempted, mark, preemption_notice
from grnformer.train.progress import Progress, Record, format_row, peak_memory

if TYPE_CHECKING:
    from lightning_fabric import Fabric

logger = logging.getLogger(__name__)
# Any: type checkers do not know its attributes
_DETERMINISTIC: Any = torch.utils.deterministic
_PARTS = 1 << 40  # seeds of the parts of a step stand this far apart


@dataclass(frozen=True)
class Plan:
    """What a run does: its seed and identity, settings of optimiser and run-time, held-out cells to look at.

    `heldout` are fixed batches, `type_mean` what the cell-type baseline predicts, `stop_after` a step to end early at,
    as if interrupted.
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


def train(
    fabric: Fabric,
    loss: MaskedValueLoss,
    batches: StepBatches,
    folder: Path,
    plan: Plan,
) -> tuple[GRNFormer, list[dict[str, Any]]]:
    """Train from the newest complete checkpoint in `folder`, or from the start.

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


@dataclass(frozen=True)
class _Step:
    """What all processes know after a step: its mean loss, whether one got a signal, whether a save is due."""

    loss: float
    stop: bool
    save: bool


class _Run:
    def __init__(
        self,
        fabric: Fabric,
        loss: MaskedValueLoss,
        batches: StepBatches,
        folder: Path,
        plan: Plan,
        notice: Notice,
    ) -> None:
        self.fabric, self.bare, self.plan, self.notice = fabric, loss, plan, notice
        self.batches, self.folder = batches, folder
        self.unit = loss.model.backbone.loss_unit
        self.checkpoints = Checkpoints(folder, plan.key, plan.checkpoints["keep"])
        self.parallel = _parallelism(fabric, loss, plan)
        self.loss, self.optimiser = self.parallel.loss, self.parallel.optimiser
        self.loss.train()

        # Read before a checkpoint is, whose rates are those of its last step.
        self.rates = [group["lr"] for group in self.optimiser.param_groups]

        self.curve: list[dict[str, Any]] = []
        self.since: list[float] = []  # losses since the last line of the curve
        self.norms: list[float] = []
        self.saved = time.monotonic()

    def train(self) -> tuple[GRNFormer, list[dict[str, Any]]]:
        plan, fabric = self.plan, self.fabric
        start = self._resume()
        end = (
            plan.steps if plan.stop_after is None else min(plan.stop_after, plan.steps)
        )
        self.batches.divide(
            start, fabric.global_rank, fabric.world_size, plan.accumulate
        )

        recorded = plan.tensorboard and fabric.is_global_zero
        record = Record(self.folder / "tensorboard" if recorded else None, start)
        progress = Progress(
            start,
            plan.steps,
            plan.progress_seconds,
            self.unit,
            shown=fabric.is_global_zero,
        )
        with record, progress:
            for step, parts in load(
                self.batches, end, plan.workers, pinned=fabric.device.type == "cuda"
            ):
                result = self._step(step, parts)
                done = step + 1

                progress.advance(done, result.loss, parts.tokens)
                self._log(done, record, progress)
                if (
                    result.stop
                    or result.save
                    or done == plan.steps
                    or done % plan.checkpoints["steps"] == 0
                ):
                    self._save(done)
                if result.stop and done < end:
                    self._stop(done)

        with self.parallel.whole_model() as model:
            self.parallel.close()
            return model, self.curve

    def _step(self, step: int, parts: StepParts) -> _Step:
        """One step of the optimiser."""
        plan, fabric = self.plan, self.fabric
        # By the step alone, so that a resumed run has the same rates.
        fraction = learning_rate_fraction(
            step, plan.optimiser["warmup_steps"], plan.steps
        )
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * fraction

        self.optimiser.zero_grad()
        # In float64 on the device; read once, after all parts.
        total = torch.zeros((), dtype=torch.float64, device=fabric.device)
        objective = []
        for j, (batch, weight) in enumerate(
            zip(parts.batches, parts.weights, strict=True)
        ):
            # Gradients are averaged over processes, but add up over a process's parts.
            from_gene, whole = self._part(step, j, batch, weight / plan.accumulate)
            objective.append(whole.detach())
            total = total + from_gene.detach().double() * weight / plan.accumulate
        norm = self.parallel.clip(plan.optimiser["clip"])

        finite = math.isfinite(norm) and bool(
            torch.isfinite(torch.stack(objective)).all()
        )
        minutes = (time.monotonic() - self.saved) / 60
        signalled, due = (
            self.notice.name is not None,
            minutes >= plan.checkpoints["minutes"],
        )
        # A signal, the clock or a bad batch may come to one process only. All must act alike, or those that go on
        # would wait for ever for those that stopped.
        loss, any_signalled, any_due, any_diverged = self._agree(
            float(total), signalled, due, not finite
        )
        if any_diverged:
            self._diverged(step, parts.batches, torch.stack(objective).tolist(), norm)

        self.norms.append(norm)
        # After the check: a diverged step leaves the weights as they were.
        self.optimiser.step()
        self.since.append(loss)
        return _Step(loss, any_signalled > 0, any_due > 0)

    def _part(
        self, step: int, j: int, batch: Batch, weight: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Forward and backward of part `j` of this process. Returns the loss from genes' states, and the whole loss."""
        plan, fabric = self.plan, self.fabric
        # Among the parts of all processes; part 0 has the seeds of an undivided step.
        number = fabric.global_rank * plan.accumulate + j
        # Dropout and edge perturbation are seeded by step and part, so that resuming samples the same.
        torch.manual_seed(plan.seed * 1_000_003 + step + number * _PARTS)
        rng = np.random.default_rng(
            [plan.seed, STRUCTURE, step, *([number] if number else [])]
        )

        with self.parallel.part(last=j == plan.accumulate - 1):
            from_gene, from_cell, spread = self.loss(Part(batch.to(fabric.device), rng))
            loss = (
                from_gene
                if from_cell is None
                else from_gene + plan.optimiser["cell_loss"] * from_cell
            )
            if spread is not None:
                loss = loss + spread
            # Weighed here: the caller checks the loss as it is.
            self.parallel.backward(loss * weight)
        return from_gene, loss

    def _agree(self, *values: float) -> list[float]:
        """Means of the values over all processes."""
        if self.fabric.world_size == 1:
            return list(values)
        mean: Any = self.fabric.all_reduce(
            torch.tensor(values, dtype=torch.float64), reduce_op="mean"
        )
        found: list[float] = mean.tolist()
        return found

    def _stop(self, done: int) -> NoReturn:
        message = f"{self.notice.name or 'a signal to another process'}: saved after step {done}"
        # torchrun does not pass on the exit code of its processes: a file says that they stopped in good order.
        if self.fabric.is_global_zero and self.fabric.world_size > 1:
            mark(self.folder, message)
        raise Preempted(message)

    def _log(self, done: int, record: Record, progress: Progress) -> None:
        plan = self.plan
        if done % plan.optimiser["log_every"] == 0:
            measured = {
                "tokens_per_second": progress.speed(),
                "memory_mb": peak_memory(self.fabric.device),
                "gradient_norm": float(np.mean(self.norms)),
                "learning_rate": self.optimiser.param_groups[0]["lr"],
            }
            self._note(
                self._row(done, "train", float(np.mean(self.since))) | measured, record
            )
            self.since, self.norms = [], []

        if done % plan.optimiser["evaluate_every"] == 0 or done == plan.steps:
            # Every process takes part in gathering the weights; only the first scores.
            with progress.paused(), self.parallel.whole_model() as model:
                if self.fabric.is_global_zero:
                    scores = evaluate(
                        model,
                        self.bare.structure,
                        plan.heldout,
                        plan.type_mean,
                        plan.heldout_seed,
                    )
                    self._note(
                        self._row(done, "heldout", float(scores["loss"])), record
                    )

    def _row(self, done: int, split: str, loss: float) -> dict[str, Any]:
        empty = dict.fromkeys(
            ("tokens_per_second", "memory_mb", "gradient_norm", "learning_rate")
        )

        row = {
            "step": done,
            "epoch": (done - 1) // self.batches.steps_per_epoch,
            "split": split,
            "loss": loss,
        }
        return row | empty | {"beta": self.parallel.beta()}

    def _note(self, row: dict[str, Any], record: Record) -> None:
        self.curve.append(row)
        record.add(row)
        if self.fabric.is_global_zero:
            logger.info("%s", format_row(row, self.unit))

    def _save(self, done: int) -> None:
        # In every process: divided weights are gathered from all.
        state = self.parallel.state()
        if self.fabric.is_global_zero:
            path = self.checkpoints.save(
                done,
                {
                    **state,
                    "curve": self.curve,
                    "since": self.since,
                    "norms": self.norms,
                },
            )
            logger.info("saved %s", path)
        # No process runs ahead of a checkpoint that may yet fail.
        self.fabric.barrier()
        self.saved = time.monotonic()

    def _resume(self) -> int:
        # The first process chooses for all: each looking for itself could find another one.
        path = self.fabric.broadcast(
            self.checkpoints.newest() if self.fabric.is_global_zero else None
        )
        if path is None:
            return 0

        # Each process reads the file itself, from a folder that all see.
        state = self.checkpoints.read(path)
        self.parallel.load(state)
        self.curve, self.since, self.norms = (
            state["curve"],
            state["since"],
            state["norms"],
        )
        logger.info("resuming after step %d from %s", state["step"], path)
        return int(state["step"])

    def _diverged(
        self, step: int, batches: list[Batch], losses: list[float], norm: float
    ) -> NoReturn:
        """Save the first batch whose loss is not finite, or the last if only the gradient is not; all stop."""
        fabric = self.fabric
        what, batch, at_fault = (
            f"the norm of the gradient is {norm}",
            batches[-1],
            False,
        )
        for loss, part in zip(losses, batches, strict=True):
            if not math.isfinite(loss):
                what, batch, at_fault = f"the loss is {loss}", part, True
                break

        reports: list[Any] = [(what, at_fault)]
        if fabric.world_size > 1:
            reports = [None] * fabric.world_size
            torch.distributed.all_gather_object(reports, (what, at_fault))

        # No loss at fault: it may be any process's gradient, and each saves a batch.
        ranks = [rank for rank, (_, fault) in enumerate(reports) if fault] or list(
            range(len(reports))
        )
        if fabric.global_rank in ranks:
            save_batch(batch, self.folder, step, fabric.global_rank)
        fabric.barrier()
        paths = [batch_path(self.folder, step, rank) for rank in ranks]
        raise Divergence(reports[ranks[0]][0], step, paths, self.bare.model)


def _parallelism(fabric: Fabric, loss: MaskedValueLoss, plan: Plan) -> Replicated:
    if plan.strategy != "fsdp" or fabric.world_size == 1:
        return Replicated(fabric, loss, plan.optimiser, compiled=plan.compiled)
    from grnformer.train.sharding import Sharded

    return Sharded(fabric, loss, plan.optimiser, compiled=plan.compiled)


@contextmanager
def _deterministic() -> Iterator[None]:
    """Ask for deterministic operations meanwhile."""
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        _DETERMINISTIC.fill_uninitialized_memory,
    )
    # cuBLAS sums in a fixed order only with a workspace of fixed size.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Only a warning: some operations have no deterministic form.
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It would fill every new tensor before it is written, which nothing here reads.
    _DETERMINISTIC.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        _DETERMINISTIC.fill_uninitialized_memory = before[2]
