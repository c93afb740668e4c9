"""Pretraining of an RNA foundation model with graphs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from grnformer.settings.backbones import BACKBONES
from grnformer.settings.fuse import Graph
from grnformer.settings.grid import CONTROLS
from grnformer.settings.key import (
    File,
    Fraction,
    PartFraction,
    Seed,
    Settings,
    Word,
    key,
)
from grnformer.settings.sizes import Size


class Corpus(Settings):
    """What one model is pretrained on together."""

    datasets: list[str] = key(
        ..., "datasets of the sample sheet, of one genome", min_length=1
    )
    files: dict[str, File] = key(
        ...,
        "name -> .h5ad or .zarr of RNA (counts, or log1p of normalised counts) with obs cell_type; a path or "
        "resource:<name>; rna:<name> is an entry of pretrain.rna",
        names={"pattern": "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$"},
    )


class Rna(Settings):
    """Count matrices of RNA without chromatin, made a file of a corpus; all cells have one type."""

    matrices: list[File] = key(
        ...,
        "raw counts of the same genes in any format of the sample sheet, which are joined; a path or resource:<name>",
        min_length=1,
    )
    cell_type: str = key(
        ..., "of all cells, as in the dataset whose network they get", min_length=1
    )


Backbone = Annotated[str, Field(json_schema_extra={"enum": list(BACKBONES)})]
GnnName = Literal["sage", "gcn", "gat", "gin"]
Perturbation = Literal["none", "random", "coexpression"]


class Arm(Settings):
    """A model variant of the comparison."""

    # what has a default may be left out
    model_config = ConfigDict(
        extra="forbid", json_schema_serialization_defaults_required=False
    )

    graph: Graph = key(..., "a graph mode of the stage fuse")
    adapter: bool = key(..., "false: only the backbone")
    perturbation: Perturbation = key(..., "of edges during training")
    gnn: GnnName = key(None, "in place of the size's gnn.name")
    perturbed_fraction: Fraction = key(None, "in place of pretrain.perturbed_fraction")
    backbone: Backbone = key(None, "in place of pretrain.backbone")


class Grid(Settings):
    """Arms by combination, in place of `arms`; five seeds or more. The first of each list is the reference."""

    scales: list[
        Literal["none", "cell_type", "cell", "hybrid", "knowledge", "hybrid_knowledge"]
    ] = key(
        [],
        "graphs of the data, none: the backbone alone, such as [hybrid, cell_type, cell, none]; []: no grid",
        unique=True,
    )
    controls: list[
        Literal[
            "no_edges",
            "random",
            "degree_preserving",
            "label_shuffled",
            "coexpression",
            "prior",
        ]
    ] = key(
        list(CONTROLS),
        "no_edges has as many parameters as an arm with edges; graphs with the scale knowledge have no_edges, random "
        "and degree_preserving of their own",
        unique=True,
    )
    gnns: list[GnnName] = key(
        ["sage"], "layers of the graph encoders", min_length=1, unique=True
    )
    perturbations: list[Perturbation] = key(
        ["coexpression"],
        "of edges during training",
        min_length=1,
        unique=True,
    )
    perturbed_fractions: list[Fraction] = key(
        [0.2], "of the edges", min_length=1, unique=True
    )
    backbones: list[Backbone] = key(
        [],
        "RNA foundation models, each with all graphs, compared within each; []: pretrain.backbone",
        unique=True,
    )
    combine: Literal["one_at_a_time", "all"] = key(
        "one_at_a_time",
        "one_at_a_time: all graphs by the first of the other lists, once a backbone, and the first scale by each of "
        "their others",
    )


class Tune(Settings):
    """What of the backbone is trained; heads, graph encoders and adapter always are."""

    how: Literal["full", "frozen", "partly", "lora"] = key(
        "full",
        "the whole backbone, nothing of it, its last layers, or low-rank changes (LoRA)",
    )
    layers: int = key(1, "partly: number of last layers", ge=1)
    rank: int = key(8, "lora: rank of the change of each linear map", ge=1)
    alpha: float = key(16, "lora: changes are scaled by alpha / rank", gt=0)


class Checkpoints(Settings):
    """When a run is saved."""

    steps: int = key(50, "between two checkpoints", unit="batches", ge=1)
    minutes: float = key(
        10, "and at most this long between two checkpoints", unit="min", gt=0
    )
    keep: int = key(
        2, "newest checkpoints kept; two or more, should one be damaged", ge=2
    )


class Optimiser(Settings):
    """AdamW, linear warm-up, cosine to a tenth."""

    adapter_scalar_rate: float = key(
        0.02,
        "learning rate of the adapter's scalars: beta and the bonus of a gene's position",
        gt=0,
    )
    weight_decay: float = key(
        0.01, "shrinkage of weights, times the learning rate a step", ge=0
    )
    cell_loss: float = key(
        0.5, "weight of the prediction from the cell embedding", ge=0
    )
    spread: float = key(
        0.0,
        "weight of VICReg's variance and covariance terms on the cell embeddings of a batch",
        ge=0,
    )
    clip: float = key(1.0, "largest norm of the gradient", gt=0)
    log_every: int = key(10, "between logged losses", unit="batches", ge=1)
    evaluate_every: int = key(40, "between held-out scores", unit="batches", ge=1)


class EmbedNew(Settings):
    """What is read of a cell that is embedded; docs/use-the-embeddings.md."""

    genes: Literal["expressed", "sample"] = key(
        "expressed",
        "every gene that the cell expresses, in blocks of n_tokens, or samples of n_tokens, also of silent genes",
    )
    parts: list[Literal["cell", "genes", "projected"]] = key(
        ["cell", "genes", "projected"],
        "side by side: what the backbone gives for a cell, the mean state of its expressed genes, its expression on "
        "the axes of the model's gene vectors (a linear map, as PCA is)",
        min_length=1,
        unique=True,
    )
    n_tokens: int = key(
        256,
        "genes a block or sample; geneformer reads all, by rank, as one",
        unit="genes",
        ge=2,
    )
    draws: int = key(
        2, "samples averaged, of cells and of the genes' vectors", unit="samples", ge=1
    )


class Pretrain(Settings):
    """Pretraining of an RNA foundation model with graphs."""

    seed: Seed = key(
        1,
        "of the split, the held-out masks and the reference embeddings; the same for all arms",
    )
    seeds: list[Seed] = key(
        [1, 2, 3],
        "of initial weights and of sampling in training; one model for each arm and seed",
        min_length=1,
        unique=True,
    )
    datasets: list[str] | None = key(
        [],
        "datasets and corpora to pretrain on; []: none, the run stops after the networks; null: all",
        unique=True,
    )
    corpora: dict[str, Corpus] = key(
        {}, "name -> datasets and files that one model is pretrained on together"
    )
    rna: dict[str, Rna] = key(
        {},
        "name -> count matrices, for files of corpora",
        names={"pattern": "^[A-Za-z0-9_-]+$"},
    )
    backbone: str = key("scgpt", "the RNA foundation model", options=BACKBONES)
    checkpoint: File | None = key(
        None,
        "published checkpoint to start from, whose sizes go before those of `size`: the folder of scgpt or geneformer, "
        "the file of scfoundation; null: from scratch",
    )
    medians: File | None = key(
        None,
        "pickled dict, gene of the vocabulary -> median of its scaled counts above 0, for geneformer; null: of the "
        "training cells",
    )
    arms: dict[str, Arm] = key(
        {
            "none": {"graph": "none", "adapter": False, "perturbation": "none"},
            "no_edges": {"graph": "none", "adapter": True, "perturbation": "none"},
            "random": {
                "graph": "random",
                "adapter": True,
                "perturbation": "coexpression",
            },
            "hybrid": {
                "graph": "hybrid",
                "adapter": True,
                "perturbation": "coexpression",
            },
        },
        "name -> model variant; no_edges has as many parameters as hybrid",
        min_length=1,
        names={"pattern": "^[a-z][a-z0-9_]*$"},
    )
    grid: Grid = Grid()
    heldout_fraction: PartFraction = key(0.15, "of the cells of each type")
    heldout_donors: list[str] = key(
        [],
        "donors of the sample sheet whose cells are all held out, in place of the fraction; a dataset then has one of "
        "them at least",
        unique=True,
    )
    networks: Literal["all_cells", "training_cells"] = key(
        "all_cells",
        "cells that topics, networks and the thresholds of activity are inferred from; training_cells: held-out cells "
        "get their graphs by what was inferred without them",
    )
    heldout_cells: int = key(
        2000, "held-out cells that are scored, at most", unit="cells", ge=1
    )
    heldout_repeats: int = key(
        4, "samples of tokens and mask of each scored cell", unit="samples", ge=1
    )
    perturbed_fraction: float = key(
        0.2, "of the edges, sampled anew in each step", ge=0, le=1
    )
    perturbed_degree_power: float = key(
        0,
        "new links fall to genes in proportion to (1 + links) to this power; 0: to all alike, -1: more to genes with "
        "few, 1: to TFs as before",
        ge=-2,
        le=2,
    )
    tune: Tune = Tune()
    strategy: Literal["auto", "ddp", "fsdp"] = key(
        "auto",
        "of several processes, started by torchrun or srun; auto: ddp; fsdp divides weights and the optimiser's state "
        "among processes, where a model fits no single GPU",
    )
    workers: int = key(
        0,
        "processes that make batches, each with held_blocks in memory; 0: the training process makes the batches",
        unit="processes",
        ge=0,
    )
    checkpoints: Checkpoints = Checkpoints()
    progress_seconds: float = key(
        60, "between lines of progress in the log", unit="s", gt=0
    )
    tensorboard: bool = key(False, "write event files beside the checkpoints")
    optimiser: Optimiser = Optimiser()
    embed: EmbedNew = EmbedNew()
    size: Word = key(
        "tiny",
        "a size: tiny (minutes on 2 cores), base (hours on one GPU), paper (as published)",
    )
    sizes: dict[str, Size] = key({}, "sizes, or changes of those of config/sizes")
