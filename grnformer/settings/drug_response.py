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
    Word,
    key,
)


class Folds(Settings):
    """Cross-validation of every split; fold i is trained on the i-th pretraining seed, starting anew after the last."""

    n_folds: int = key(5, "folds; each pair is tested in one fold", unit="folds", ge=2)
    validation_fraction: PartFraction = key(0.125, "fraction of what is not tested")
    seed: Seed = key(1, "of the folds")


class Trees(Settings):
    """Random forest and gradient boosting."""

    line_components: int = key(
        30, "principal components of expression that trees split on", ge=1
    )
    n_trees: int = key(100, "trees of the forest", unit="trees", ge=1)
    n_rounds: int = key(100, "of boosting of a response component", ge=1)
    response_components: int = key(
        20, "principal components of the response that are boosted", ge=1
    )
    seed: Seed = key(1, "of the sampled lines and features")


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
    learners: list[Literal["random_forest", "gradient_boosting", "stack"]] = key(
        [],
        "slower baselines: trees on expression where lines are unseen; stack joins all baselines of a split",
        unique=True,
    )
    trees: Trees = Trees()
    seed: Seed = key(1, "of the permuted structures")


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


class NetworkFeatures(Settings):
    """What a network is worth as features: TF activities by right and by rewired regulons."""

    splits: list[Literal["line", "tissue"]] = key(
        [], "what is left out, among bench.drug_response.splits; []: off", unique=True
    )
    collections: list[Word] = key(
        ["CollecTRI"],
        "collections of grn.cistromes.prior.table that make the known network; []: all",
    )
    min_targets: int = key(5, "measured targets a TF must have", unit="genes", ge=2)
    rewirings: int = key(3, "rewired networks behind a control", unit="networks", ge=1)
    seed: Seed = key(1, "of the rewiring")


class DrugResponse(Settings):
    """Responses of cell lines to drugs."""

    splits: list[Literal["pair", "line", "drug", "tissue", "screen", "deepcdr"]] = key(
        [],
        "what is left out of training: pairs, lines, drugs, tissues, or (screen) lines, with training on other_screen; "
        "deepcdr: DeepCDR's protocol, which is not leak-safe; []: no benchmark",
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
    other_screen: File = key(
        "resource:gdsc1_ln_ic50.csv",
        "another screen as responses, which split screen trains on; a path or resource:<name>",
    )
    annotations: File = key(
        "resource:ccle_annotations.tsv",
        "TSV with CCLE_ID, a line's name and tissue (NCIH1975_LUNG), and optionally Name, for splits tissue and "
        "deepcdr; a path or resource:<name>",
    )
    folds: Folds = Folds()
    baselines: Baselines = Baselines()
    network_features: NetworkFeatures = NetworkFeatures()
    embed: LineEmbedding = LineEmbedding()
    seed: Seed = key(1, "of the response network's weights and batches")
    network: Network = Network()
