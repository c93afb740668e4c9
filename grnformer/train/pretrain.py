"""Pretraining of one arm: data, model, training or resuming it, held-out scores, reference embeddings."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from grnformer import __version__
from grnformer.core.fingerprint import fingerprint_modules
from grnformer.core.methods import module_of
from grnformer.data.batches import Cells, StepBatches
from grnformer.data.cells import CellStore
from grnformer.data.corpus import Corpus
from grnformer.data.split import sample_rows
from grnformer.graph.bundle import Bundle
from grnformer.graph.structure import read_structure
from grnformer.infer.embed import embed_cells
from grnformer.infer.evaluate import evaluate, heldout_of_parts
from grnformer.model import backbones
from grnformer.model.backbones import BACKBONES
from grnformer.model.grnformer import GRNFormer, Perturbation
from grnformer.model.moments import gene_fractions, gene_moments, nonzero_medians
from grnformer.model.start import start_model
from grnformer.model.tune import merge_tuned, tune_backbone
from grnformer.train.loop import Plan, run_training
from grnformer.train.loss import MaskedValueLoss
from grnformer.train.processes import make_fabric

logger = logging.getLogger(__name__)
RUN_TIME = {"strategy", "checkpoints", "workers", "token_cache", "progress_seconds", "tensorboard"}
RUN_TIME |= {"accumulate", "compile"}
# Not part of what a checkpoint holds: the reference embedding is made anew from the weights whenever the rule runs.
AFTER_TRAINING = ("grnformer.infer.embed",)


@dataclass(frozen=True)
class Pretrained:
    """What a run leaves: the model and its card, the training curve, held-out scores, reference embeddings."""

    model: GRNFormer
    card: dict[str, Any]
    curve: pd.DataFrame
    heldout: dict[str, Any]
    reference: pd.DataFrame


def pretrain(
    store: CellStore | Corpus,
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
    """Train one arm, resuming from its newest whole checkpoint if one of the same settings, data and code is there.

    In several processes (torchrun, srun), each calls this with the same arguments; the first returns what was trained,
    the others None.

    Parameters
    ----------
    store
        Cells on disk, of one dataset or of a corpus.
    split
        cell, split.
    bundle
        Graph bundle.
    arm
        graph (its name), adapter (bool), perturbation (strategy).
    settings
        The config section `pretrain`, with `size` its chosen preset.
    model_seed
        Of initial weights and training draws. The held-out draw follows `settings["seed"]`.
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
    size = settings["size"]
    torch.set_num_threads(threads)
    genes = bundle.graph.genes
    kind, architecture, published = BACKBONES[settings["backbone"]], size["backbone"], None
    if checkpoint is not None:
        published = kind.read_published(Path(checkpoint), architecture)
        architecture = published.architecture
        logger.info("starting from the published %s: %s", checkpoint, architecture)
    backbone = {"name": settings["backbone"], **architecture}
    place = split.set_index("cell")["split"].reindex(store.cells).to_numpy(object)
    train, heldout = np.flatnonzero(place == "train"), np.flatnonzero(place == "heldout")
    sample = sample_rows(train, size["block_cells"] * size["held_blocks"])

    def gene_scale() -> np.ndarray:
        return nonzero_medians(store.read(sample)) if medians is None else medians

    tokeniser_settings = kind.tokeniser_settings(architecture, size["expressed_fraction"], gene_scale)
    cells = Cells(
        store,
        bundle.graph,
        bundle.meta["cell_types"],
        kind.tokeniser(**tokeniser_settings),
        **{key: size[key] for key in ("n_tokens", "mask_fraction")},
    )
    stored = store.digest()
    if settings["token_cache"] is not None:
        cells.keep_tokens(settings["token_cache"], stored, tokeniser_settings)
    blocks = cells.blocks(train, size["block_cells"])
    mean, deviation, type_mean = gene_moments(
        ((cells.values(rows), cells.type_of_cell[rows], cells.measured(rows)) for rows in blocks),
        len(cells.cell_types),
        cells.n_tokens,
        size["expressed_fraction"],
    )
    arguments = {
        "backbone": backbone,
        "adapter": size["adapter"] if arm["adapter"] else None,
        "gnn": {key: value for key, value in size["gnn"].items() if key != "direction"},
        "scales": bundle.meta["scales"],
        "n_tokens": cells.n_tokens,
    }
    seen = (lambda: cells.filled_values(sample)) if size["gene_start"] == "coexpression" else None
    model = start_model(genes, arguments, mean, deviation, model_seed, published=published, seen=seen)
    if model.hides_genes:
        type_mean = gene_fractions(((cells.values(rows), cells.type_of_cell[rows]) for rows in blocks), len(type_mean))
    tune_backbone(model, settings["tune"])
    structure = None
    if arm["adapter"]:
        structure = read_structure(bundle.graph, bundle.meta["scales"], cells.cell_types, size["gnn"]["direction"])
    card = {
        "arguments": arguments,
        "arm": arm,
        "cell_types": cells.cell_types,
        "checkpoint": None if published is None else published.digest(),
        "data": _hash_data(stored, split, bundle),
        "embed": {
            **settings["embed"],
            **{key: size[key] for key in ("expressed_fraction",)},
            "direction": size["gnn"]["direction"],
        },
        "genes": genes["gene"].tolist(),
        "seed": model_seed,
        "size": settings["size_name"],
        "steps": size["steps"],
        "tokeniser": tokeniser_settings,
        "tokens": [int(token) for token in genes["token"]],
        "version": __version__,
    }
    batches = StepBatches(
        cells,
        train,
        **{key: size[key] for key in ("batch_size", "block_cells", "held_blocks")},
        n_steps=size["steps"],
        seed=model_seed,
    )
    scored = sample_rows(heldout, settings["heldout_cells"])
    fixed_of = heldout_of_parts(
        cells, scored, batch_size=size["batch_size"], repeats=settings["heldout_repeats"], seed=settings["seed"]
    )
    fixed = [batch for batches_of_part in fixed_of.values() for batch in batches_of_part]
    perturbation = Perturbation(arm["perturbation"], settings["perturbed_fraction"], settings["perturbed_degree_power"])
    loss = MaskedValueLoss(model, structure, perturbation)
    plan = Plan(
        seed=model_seed,
        key=_key(card, settings, training_code(settings["backbone"])),
        strategy=settings["strategy"],
        compiled=size["compile"],
        steps=size["steps"],
        accumulate=size["accumulate"],
        optimiser={**settings["optimiser"], **{k: size[k] for k in ("warmup_steps", "learning_rate")}},
        checkpoints=settings["checkpoints"],
        workers=settings["workers"],
        progress_seconds=settings["progress_seconds"],
        tensorboard=settings["tensorboard"],
        heldout=fixed[:: settings["heldout_repeats"]],
        heldout_seed=settings["seed"],
        type_mean=type_mean,
        stop_after=stop_after,
    )
    fabric = make_fabric(settings["strategy"], size["precision"])
    model, curve = run_training(fabric, loss, batches, Path(checkpoints), plan)
    if not fabric.is_global_zero:
        return None
    model = model.eval().cpu()
    merge_tuned(model, settings["tune"])
    scores: dict[str, Any] = evaluate(model, structure, fixed, type_mean, settings["seed"])
    scores["objective"] = model.backbone.objective
    if len(store.parts) > 1:
        scores["datasets"] = {
            name: evaluate(model, structure, own, type_mean, settings["seed"])
            | {"heldout_cells": sum(len(batch.type_B) for batch in own) // settings["heldout_repeats"]}
            for name, own in fixed_of.items()
        }
    scores["heldout_cells"] = len(scored)
    scores["train_cells"] = len(train)
    scores["parameters"] = sum(p.numel() for p in model.parameters())
    scores["beta"] = None if model.adapter is None else float(model.adapter.beta.detach())
    logger.info("held out: %s", scores)
    reference = embed_cells(model, card, cells, seed=settings["seed"], batch_size=size["batch_size"])
    return Pretrained(model, card, _table(curve), scores, reference)


def _table(curve: list[dict[str, Any]]) -> pd.DataFrame:
    numbers = ("tokens_per_second", "memory_mb", "gradient_norm", "learning_rate", "beta")
    return pd.DataFrame(curve).astype(dict.fromkeys(numbers, float))


def training_code(backbone: str) -> str:
    """Fingerprint of the code behind a checkpoint with this backbone: its weights and its training curve."""
    chosen = module_of(backbones.__name__, backbone)
    return fingerprint_modules(__name__, chosen, without=AFTER_TRAINING)


def _key(card: dict[str, Any], settings: dict[str, Any], code: str) -> str:
    """Identity of a run: a checkpoint of another one must not be continued. Where and how it runs has no part in it."""
    settings = {name: value for name, value in settings.items() if name not in RUN_TIME}
    settings["size"] = {name: value for name, value in settings["size"].items() if name not in RUN_TIME}
    return hashlib.sha256(json.dumps([card, settings, code], sort_keys=True).encode()).hexdigest()


def _hash_data(stored: str, split: pd.DataFrame, bundle: Bundle) -> str:
    digest = hashlib.sha256(stored.encode())
    graph = bundle.graph
    digest.update(str(graph.rank_cutoff).encode())
    for table in (split, graph.genes, graph.edges, graph.eregulons, graph.activity, graph.members, graph.thresholds):
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()
