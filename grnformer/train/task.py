"""The Lightning module of pretraining: masked value prediction from a gene's state and from the cell embedding."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch

from grnformer.model.grnformer import Batch, GRNFormer, Perturbation
from grnformer.model.structure import Structure
from grnformer.train.batches import STRUCTURE
from grnformer.train.evaluate import evaluate

LOGGER = logging.getLogger("grnformer.train")


class MaskedValuePrediction(pl.LightningModule):
    """One arm's training.

    Parameters
    ----------
    model, structure, perturbation
        The model, its graphs (None: no adapter), edge perturbation.
    optimiser
        learning_rate, adapter_scalar_rate, weight_decay, warmup_steps, steps, cell_loss (weight of the prediction
        from the cell embedding), log_every, evaluate_every (steps).
    heldout, type_mean
        Fixed held-out batches, and the floor's means.
    steps_per_epoch, seed, heldout_seed
        Seeds of the training and of the held-out draws.
    key
        Identity of settings and data, kept in checkpoints.
    """

    def __init__(
        self,
        model: GRNFormer,
        structure: Structure | None,
        perturbation: Perturbation,
        optimiser: dict[str, Any],
        heldout: list[Batch],
        type_mean: np.ndarray,
        *,
        steps_per_epoch: int,
        seed: int,
        heldout_seed: int,
        key: str,
    ) -> None:
        super().__init__()
        self.model, self.structure, self.perturbation = model, structure, perturbation
        self.optimiser, self.heldout, self.type_mean = optimiser, heldout, type_mean
        self.steps_per_epoch, self.seed, self.heldout_seed, self.key = steps_per_epoch, seed, heldout_seed, key
        self.curve: list[dict[str, Any]] = []
        self._since: list[float] = []
        self._tokens, self._clock = 0, time.perf_counter()

    def losses(self, batch: Batch, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Mean loss of the masked tokens from the genes' states, and from the cell embedding where there is one."""
        h_BTD = self.model(batch, self.structure, rng, self.perturbation)
        from_gene, from_cell = self.model.losses(h_BTD, batch)
        return torch.mean(from_gene), None if from_cell is None else torch.mean(from_cell)

    def training_step(self, numbered: tuple[int, Batch], _: int) -> torch.Tensor:
        step, batch = numbered
        torch.manual_seed(self.seed * 1_000_003 + step)  # dropout: by step, so that a resumed run draws the same
        from_gene, from_cell = self.losses(batch, np.random.default_rng([self.seed, STRUCTURE, step]))
        loss = from_gene if from_cell is None else from_gene + self.optimiser["cell_loss"] * from_cell
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()} at step {step}; lower the learning rate")
        self._since.append(float(from_gene.detach()))
        self._tokens += batch.gene_BL.numel()
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        step = self.global_step
        if step % self.optimiser["log_every"] == 0:
            speed = self._tokens / (time.perf_counter() - self._clock)
            self._note(step, "train", float(np.mean(self._since)), speed)
        if step % self.optimiser["evaluate_every"] == 0 or step == self.optimiser["steps"]:
            scores = evaluate(self.model, self.structure, self.heldout, self.type_mean, self.heldout_seed)
            self._note(step, "heldout", float(scores["mse"]), None)

    def _note(self, step: int, split: str, loss: float, speed: float | None) -> None:
        epoch = (step - 1) // self.steps_per_epoch
        beta = None if self.model.adapter is None else float(self.model.adapter.beta.detach())
        row = {"step": step, "epoch": epoch, "split": split, "loss": loss, "tokens_per_second": speed, "beta": beta}
        self.curve.append(row)
        LOGGER.info("%s", row)
        if split == "train":
            self._since, self._tokens = [], 0
        self._clock = time.perf_counter()

    def configure_optimizers(self) -> Any:
        settings = self.optimiser
        scalars = [p for name, p in self.model.named_parameters() if name in ("adapter.beta", "adapter.own_gene")]
        known = {id(p) for p in scalars}
        others = [p for p in self.model.parameters() if id(p) not in known]
        groups = [
            {"params": others, "lr": settings["learning_rate"], "weight_decay": settings["weight_decay"]},
            {"params": scalars, "lr": settings["adapter_scalar_rate"], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW([group for group in groups if group["params"]])
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        """Linear warm-up, then cosine to a tenth."""
        warmup, steps = self.optimiser["warmup_steps"], self.optimiser["steps"]
        if step < warmup:
            return (step + 1) / warmup
        done = min(1.0, (step - warmup) / max(1, steps - warmup))
        return 0.1 + 0.45 * (1 + math.cos(math.pi * done))

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return batch[0], batch[1].to(device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["grnformer"] = {"key": self.key, "curve": self.curve, "since": self._since}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.curve, self._since = checkpoint["grnformer"]["curve"], checkpoint["grnformer"]["since"]
