"""Pretraining of one arm: build, train or resume, score."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from grnformer.core.fingerprint import fingerprint_modules
from grnformer.core.methods import module_of
from grnformer.core.record import RUN_TIME
from grnformer.data.corpus import Corpus
from grnformer.graph.bundle import Bundle
from grnformer.infer.evaluate import evaluate
from grnformer.infer.mapping import dimensions
from grnformer.infer.reading import Reading, dimensions_by_part
from grnformer.infer.reference import embed_cells
from grnformer.model import backbones
from grnformer.model.grnformer import GRNFormer
from grnformer.model.tune import merge_tuned
from grnformer.train.build import Setup, build
from grnformer.train.loop import Plan, train
from grnformer.train.processes import make_fabric

logger = logging.getLogger(__name__)

AFTER_TRAINING = (
    "grnformer.infer.mapping",
    "grnformer.infer.reading",
    "grnformer.infer.reference",
)


@dataclass(frozen=True)
class Pretrained:
    """What a run gives: the model and its card, the training curve, held-out scores, reference embeddings."""

    model: GRNFormer
    card: dict[str, Any]
    curve: pd.DataFrame
    heldout: dict[str, Any]
    reference: pd.DataFrame


def pretrain(
    corpus: Corpus,
    split: pd.DataFrame,
    bundle: Bundle,
    arm: dict[str, Any],
    settings: dict[str, Any],
    *,
    model_seed: int,
    checkpoints: str | Path,
    threads: int,
    checkpoint: str | Path | None,
    medians: np.ndarray | None,
    stop_after: int | None = None,
) -> Pretrained | None:
    """Train one arm, resuming from its newest complete checkpoint of the same settings, data and code.

    In several processes (torchrun, srun), each calls this with the same arguments; the first returns what was trained,
    the others None.

    Parameters
    ----------
    corpus
        Cells on disk.
    split
        cell, split.
    bundle
        Graph bundle.
    arm
        graph (its name), adapter (bool), perturbation (strategy).
    settings
        The config section `pretrain`, with `size` its chosen preset.
    model_seed
        Of initial weights and training batches. Held-out batches follow `settings["seed"]`.
    checkpoints
        Folder for checkpoints.
    threads
        CPU threads.
    checkpoint
        A published checkpoint of the backbone to start from; None: from scratch.
    medians
        Median of each gene's scaled counts above 0, by node number (geneformer); None: of the training cells.
    stop_after
        End early at this step, as an interruption would; for tests.
    """
    torch.set_num_threads(threads)
    setup = build(
        corpus,
        split,
        bundle,
        arm,
        settings,
        model_seed=model_seed,
        checkpoint=checkpoint,
        medians=medians,
    )

    size = settings["size"]
    trained_by: dict[str, Any] = {
        "settings": _of_results(settings),
        "code": training_code(settings["backbone"]),
    }
    rates = {
        "warmup_steps": size["warmup_steps"],
        "learning_rate": size["learning_rate"],
    }
    plan = Plan(
        seed=model_seed,
        key=_key(setup.card, **trained_by),
        strategy=settings["strategy"],
        compiled=size["compile"],
        steps=size["steps"],
        accumulate=size["accumulate"],
        optimiser=settings["optimiser"] | rates,
        checkpoints=settings["checkpoints"],
        workers=settings["workers"],
        progress_seconds=settings["progress_seconds"],
        tensorboard=settings["tensorboard"],
        # During training one sampling of tokens a cell is enough; the scores at the end use all repeats.
        heldout=_all_batches(setup)[:: settings["heldout_repeats"]],
        heldout_seed=settings["seed"],
        type_mean=setup.type_mean,
        stop_after=stop_after,
    )
    fabric = make_fabric(settings["strategy"], size["precision"])
    model, curve = train(fabric, setup.loss, setup.batches, Path(checkpoints), plan)
    if not fabric.is_global_zero:
        return None
    trained = score(model, setup, curve, settings)
    return replace(trained, card=trained.card | trained_by)


def score(
    model: GRNFormer,
    setup: Setup,
    curve: list[dict[str, Any]],
    settings: dict[str, Any],
) -> Pretrained:
    """Score a trained model on all held-out batches, and embed all cells as the reference of mapping.

    Both are computed where the model was trained; it is returned on the CPU.
    """
    model = model.eval()
    # Before the scores, which are then those of the model that is saved.
    merge_tuned(model, settings["tune"])

    structure, seed = setup.loss.structure, settings["seed"]
    linear = (
        {} if setup.linear is None else setup.linear.predictors(model.mean_N.device)
    )
    scores: dict[str, Any] = evaluate(
        model, structure, _all_batches(setup), setup.type_mean, seed, linear
    )
    scores["linear_axes"] = None if setup.linear is None else setup.linear.axes

    scores["objective"] = model.backbone.objective
    if len(setup.heldout) > 1:
        scores["datasets"] = {}
        for name, batches in setup.heldout.items():
            n_cells = (
                sum(len(batch.type_B) for batch in batches)
                // settings["heldout_repeats"]
            )
            of_dataset = evaluate(
                model, structure, batches, setup.type_mean, seed, linear
            )
            scores["datasets"][name] = of_dataset | {"heldout_cells": n_cells}

    scores["heldout_cells"] = setup.n_heldout
    scores["train_cells"] = setup.n_train
    scores["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    scores["beta"] = (
        None if model.adapter is None else float(model.adapter.beta.detach())
    )
    logger.info("held out: %s", scores)

    batch_size = settings["size"]["batch_size"]
    reference = embed_cells(
        model, setup.card, setup.cells, seed=seed, batch_size=batch_size
    )

    vectors = reference[dimensions(reference)].to_numpy()
    spread = dimensions_by_part(
        vectors, Reading.of_card(setup.card).parts, model.backbone.width
    )
    # missing where all cells have one embedding
    scores |= {name: d if np.isfinite(d) else None for name, d in spread.items()}
    scores["embedding_width"] = vectors.shape[1]

    numbers = (
        "tokens_per_second",
        "memory_mb",
        "gradient_norm",
        "learning_rate",
        "beta",
    )
    table = pd.DataFrame(curve).astype(dict.fromkeys(numbers, float))
    return Pretrained(model.cpu(), setup.card, table, scores, reference)


def _all_batches(setup: Setup) -> list[Any]:
    return [batch for batches in setup.heldout.values() for batch in batches]


def training_code(backbone: str) -> str:
    """Fingerprint of the code behind a checkpoint with this backbone: its weights and its training curve."""
    chosen = module_of(backbones.__name__, backbone)
    return fingerprint_modules(__name__, chosen, without=AFTER_TRAINING)


def _of_results(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings without those of where and how it runs."""
    kept = {name: value for name, value in settings.items() if name not in RUN_TIME}
    kept["size"] = {
        name: value for name, value in settings["size"].items() if name not in RUN_TIME
    }
    return kept


def _key(card: dict[str, Any], settings: dict[str, Any], code: str) -> str:
    """Identity of a run: a checkpoint of another one must not be continued."""
    return hashlib.sha256(
        json.dumps([card, settings, code], sort_keys=True).encode()
    ).hexdigest()
