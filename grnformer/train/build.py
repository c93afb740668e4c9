"""What a pretraining run starts from: batches, the model before training, its graphs and its held-out cells."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer import __version__
from grnformer.data.batch import Batch
from grnformer.data.batcher import Batcher
from grnformer.data.corpus import Corpus
from grnformer.data.split import sample_rows
from grnformer.data.steps import StepBatches
from grnformer.graph.bundle import Bundle
from grnformer.graph.perturb import Perturbation
from grnformer.graph.structure import read_structure
from grnformer.infer.evaluate import heldout_of_parts
from grnformer.model.backbones import BACKBONES
from grnformer.model.grnformer import GRNFormer
from grnformer.model.linear import LinearFit
from grnformer.model.moments import gene_fractions, gene_moments, nonzero_medians
from grnformer.model.published import Published
from grnformer.model.start import start_model
from grnformer.model.tune import tune_backbone
from grnformer.train.linear import fit_on_cells
from grnformer.train.loss import MaskedValueLoss

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setup:
    """A run before its first step.

    Attributes
    ----------
    loss
        Model, graphs (None: no adapter) and edge perturbation.
    card
        Describes the model; written beside its weights.
    cells
        Source of batches.
    batches
        Training batches by step.
    heldout
        Part (dataset of a corpus) -> fixed batches of its held-out cells, each cell `heldout_repeats` times.
    type_mean
        What the cell-type baseline predicts, see `evaluate`.
    linear
        Linear models of the values; None where a mask hides the gene itself.
    n_train, n_heldout
        Cells to train on, cells that are scored.
    """

    loss: MaskedValueLoss
    card: dict[str, Any]
    cells: Batcher
    batches: StepBatches
    heldout: dict[str, list[Batch]]
    type_mean: np.ndarray
    linear: LinearFit | None
    n_train: int
    n_heldout: int


def build(
    corpus: Corpus,
    split: pd.DataFrame,
    bundle: Bundle,
    arm: dict[str, Any],
    settings: dict[str, Any],
    *,
    model_seed: int,
    checkpoint: str | Path | None,
    medians: np.ndarray | None,
) -> Setup:
    """Prepare a run; parameters as of `grnformer.train.pretrain.pretrain`."""
    size = settings["size"]
    # By cell, in the corpus's order; a cell that the split lacks is in neither part.
    place = split.set_index("cell")["split"].reindex(corpus.cells).to_numpy(object)
    train, heldout = (
        np.flatnonzero(place == "train"),
        np.flatnonzero(place == "heldout"),
    )

    # As many cells as training holds in memory at a time.
    sample = sample_rows(train, size["block_cells"] * size["held_blocks"])

    # The checkpoint comes first: its architecture decides about tokens too.
    published, architecture = _read_published(
        settings["backbone"], size["backbone"], checkpoint
    )

    # Medians are a function: most backbones do not ask, and it reads the cells.
    tokeniser_settings = BACKBONES[settings["backbone"]].tokeniser_settings(
        architecture,
        size["expressed_fraction"],
        lambda: nonzero_medians(corpus.read(sample)) if medians is None else medians,
    )

    cells = Batcher(
        corpus,
        bundle.graph,
        bundle.meta["cell_types"],
        BACKBONES[settings["backbone"]].tokeniser(**tokeniser_settings),
        n_tokens=size["n_tokens"],
        mask_fraction=size["mask_fraction"],
    )

    arguments = {
        "backbone": {"name": settings["backbone"], **architecture},
        "adapter": size["adapter"] if arm["adapter"] else None,
        "gnn": {key: value for key, value in size["gnn"].items() if key != "direction"},
        "scales": bundle.meta["scales"],
        "n_tokens": cells.n_tokens,
    }

    model, type_mean, linear = _start(
        cells,
        bundle,
        arguments,
        train,
        sample,
        settings,
        model_seed,
        published,
    )
    if model.linear is not None:
        arguments["linear_axes"] = model.linear.loadings_NK.shape[1]
    # Once weights are read: low-rank changes give them other names.
    tune_backbone(model, settings["tune"])
    structure = None
    if arm["adapter"]:
        structure = read_structure(
            bundle.graph,
            bundle.meta["scales"],
            cells.cell_types,
            size["gnn"]["direction"],
        )

    card = _describe(
        cells, bundle, arm, settings, arguments, tokeniser_settings, published
    )
    scored = sample_rows(heldout, settings["heldout_cells"])
    perturbation = Perturbation(
        arm["perturbation"],
        settings["perturbed_fraction"],
        settings["perturbed_degree_power"],
    )

    return Setup(
        loss=MaskedValueLoss(
            model, structure, perturbation, settings["optimiser"].get("spread", 0.0)
        ),
        card=card | {"data": _hash_data(corpus, split, bundle), "seed": model_seed},
        cells=cells,
        batches=StepBatches(
            cells,
            train,
            batch_size=size["batch_size"],
            block_cells=size["block_cells"],
            held_blocks=size["held_blocks"],
            n_steps=size["steps"],
            seed=model_seed,
        ),
        heldout=heldout_of_parts(
            cells,
            scored,
            batch_size=size["batch_size"],
            repeats=settings["heldout_repeats"],
            # Not the model's: every model seed is scored on the same tokens.
            seed=settings["seed"],
        ),
        type_mean=type_mean,
        linear=linear,
        n_train=len(train),
        n_heldout=len(scored),
    )


def _read_published(
    backbone: str, architecture: dict[str, Any], checkpoint: str | Path | None
) -> tuple[Published | None, dict[str, Any]]:
    """The published checkpoint, and the architecture: that of the checkpoint goes before the settings."""
    if checkpoint is None:
        return None, architecture
    published = BACKBONES[backbone].read_published(Path(checkpoint), architecture)
    logger.info(
        "starting from the published %s: %s", checkpoint, published.architecture
    )
    return published, published.architecture


def _start(
    cells: Batcher,
    bundle: Bundle,
    arguments: dict[str, Any],
    train: np.ndarray,
    sample: np.ndarray,
    settings: dict[str, Any],
    model_seed: int,
    published: Published | None,
) -> tuple[GRNFormer, np.ndarray, LinearFit | None]:
    """The model before training, what the cell-type baseline predicts, and the linear models."""
    size = settings["size"]
    # Block by block: the corpus need not fit in memory.
    blocks = cells.blocks(train, size["block_cells"])
    mean, sd, type_mean = gene_moments(
        (
            (cells.values(rows), cells.type_of_cell[rows], cells.measured(rows))
            for rows in blocks
        ),
        len(cells.cell_types),
        cells.n_tokens,
        size["expressed_fraction"],
    )

    # A function: with a published backbone nothing is read for it.
    seen = (
        (lambda: cells.filled_values(sample))
        if size["gene_start"] == "coexpression"
        else None
    )

    model = start_model(
        bundle.graph.genes,
        arguments,
        mean,
        sd,
        model_seed,
        published=published,
        seen=seen,
    )

    # A masked gene is predicted as one of all genes: its baseline is how often each gene is a token.
    if model.masks_genes:
        counted = ((cells.values(rows), cells.type_of_cell[rows]) for rows in blocks)
        type_mean = gene_fractions(counted, len(type_mean))
        return model, type_mean, None

    linear = fit_on_cells(
        cells,
        train,
        mean,
        sd,
        axes=size["linear_axes"],
        expressed_fraction=size["expressed_fraction"],
        # Not the model's: all arms and model seeds start from, and stand beside, the same.
        seed=settings["seed"],
    )
    # A published backbone predicts whole values, not what a linear model leaves.
    if size["linear_start"] and published is None:
        model.linear = linear.factors
    return model, type_mean, linear


def _describe(
    cells: Batcher,
    bundle: Bundle,
    arm: dict[str, Any],
    settings: dict[str, Any],
    arguments: dict[str, Any],
    tokeniser: dict[str, Any],
    published: Published | None,
) -> dict[str, Any]:
    size, genes = settings["size"], bundle.graph.genes
    embed = {
        "expressed_fraction": size["expressed_fraction"],
        "direction": size["gnn"]["direction"],
    }

    return {
        "arguments": arguments,
        "arm": arm,
        "cell_types": cells.cell_types,
        "checkpoint": None if published is None else published.digest(),
        "embed": settings["embed"] | embed,
        "genes": genes["gene"].tolist(),
        "size": settings["size_name"],
        "steps": size["steps"],
        "tokeniser": tokeniser,
        "tokens": [int(token) for token in genes["token"]],
        "version": __version__,
    }


def _hash_data(corpus: Corpus, split: pd.DataFrame, bundle: Bundle) -> str:
    """SHA-256 of all that the weights follow from beside settings and code."""
    graph = bundle.graph
    digest = hashlib.sha256(corpus.digest().encode())
    digest.update(str(graph.rank_cutoff).encode())

    # A hash a row, in the rows' order, which counts.
    for table in (
        split,
        graph.genes,
        graph.edges,
        graph.eregulons,
        graph.activity,
        graph.members,
        graph.thresholds,
        # empty where a graph has no such scale: the hash is then as without it
        graph.knowledge,
    ):
        digest.update(
            pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()
        )
    return digest.hexdigest()
