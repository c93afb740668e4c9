"""Responses of cell lines to drugs."""

from __future__ import annotations

from typing import Literal

from grnformer.settings.key import (
    Count,
    File,
    PartFraction,
    PositiveFloat,
    Seed,
    Settings,
    key,
)


class Folds(Settings):
    """Cross-validation of every split; fold i is trained on the i-th pretraining seed, starting anew after the last."""

    n_folds: int = key(5, "folds; each pair is tested in one fold", unit="folds", ge=2)
    validation_fraction: PartFraction = key(0.125, "fraction of what is not tested")
    seed: Seed = key(1, "of the folds")


class Baselines(Settings):
    """Settings tried without a look at the test part."""

    shrinkage: list[PartFraction] = key(
        [0.3, 0.2, 0.15, 0.1, 0.07, 0.05],
        "soft-impute: falling fractions of the largest singular value",
        min_length=1,
    )
    alpha: list[PositiveFloat] = key(
        [0.03, 0.1, 0.3, 1, 3, 10],
        "ridge: penalties in mean squared norms of a line's expression",
        min_length=1,
    )
    neighbours: list[Count] = key(
        [1, 3, 5, 10, 15, 25, 40],
        "fingerprint neighbours: numbers of drugs",
        unit="drugs",
        min_length=1,
    )


class LineEmbedding(Settings):
    """Embeddings of the cell lines."""

    batch_size: int = key(128, "lines embedded at a time", unit="lines", ge=1)
    seed: Seed = key(1, "of the sampled genes")


class Network(Settings):
    """The response network, the same in every arm."""

    line_components: int = key(
        256, "principal components of a line's embedding, at most", ge=1
    )
    drug_hidden: int = key(32, "width of the drug encoder", ge=1)
    n_layers: int = key(
        3, "message-passing layers of the drug encoder", unit="bonds", ge=1
    )
    line_hidden: int = key(64, "width of the line encoder", ge=1)
    rank: int = key(32, "dimensions in which lines meet drugs", ge=1)
    dropout: float = key(0.2, "fraction of features dropped in training", ge=0, lt=1)
    lines_per_batch: int = key(
        64, "lines in a step; all drugs are in every step", unit="lines", ge=1
    )
    max_epochs: int = key(
        100, "passes over the training lines at most", unit="epochs", ge=1
    )
    evaluate_every: int = key(5, "between looks at validation", unit="epochs", ge=1)
    patience: int = key(
        30,
        "without a better double-centred Pearson on validation before stopping",
        unit="epochs",
        ge=1,
    )
    learning_rate: float = key(0.001, "of AdamW", gt=0)
    encoder_learning_rate: float = key(
        0.003, "of AdamW for the drug encoder, which takes one step an epoch", gt=0
    )
    weight_decay: float = key(0.01, "of AdamW", ge=0)


class DrugResponse(Settings):
    """Responses of cell lines to drugs."""

    splits: list[Literal["pair", "line", "drug"]] = key(
        ["pair", "line", "drug"],
        "what is left out of training; []: no benchmark",
        unique=True,
    )
    responses: File = key(
        "resource:gdsc2_ln_ic50.csv",
        "CSV with CELL_LINE_NAME, DRUG_NAME, LN_IC50; a path or resource:<name>",
    )
    smiles: File = key(
        "resource:drug_smiles.pkl",
        "pickled dict, drug name -> SMILES; a path or resource:<name>",
    )
    expression: File = key(
        "resource:gdsc_expression.pkl",
        "pickled dict, line -> tensor of values standardised within the line; a path or resource:<name>",
    )
    genes: File = key(
        "resource:gdsc_genes.txt",
        "gene symbols of the expression, one a line; a path or resource:<name>",
    )
    folds: Folds = Folds()
    baselines: Baselines = Baselines()
    embed: LineEmbedding = LineEmbedding()
    seed: Seed = key(1, "of the response network's weights and batches")
    network: Network = Network()
