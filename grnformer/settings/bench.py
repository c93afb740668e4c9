"""Benchmarks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

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

Pair = Annotated[
    list[Word],
    Field(min_length=2, max_length=2, json_schema_extra={"uniqueItems": True}),
]


class Line(Settings):
    """A cell type and its cell line."""

    dataset: Word = key(..., "as in the sample sheet")
    cell_type: Word = key(..., "as annotated or clustered in prep")
    line: Word = key(..., "name of the cell line in the truth")


class GrnAccuracy(Settings):
    """Networks against ChIP-seq."""

    lines: list[Line] = key(
        [
            {"dataset": "snareseq", "cell_type": "K562", "line": "K562"},
            {"dataset": "snareseq", "cell_type": "GM12878", "line": "GM12878"},
            {"dataset": "snareseq", "cell_type": "H1", "line": "H1"},
        ],
        "cell types with ChIP-seq of their cell line; other datasets and types are not scored; []: no benchmark",
    )
    truth: File = key(
        "resource:tf_chip_targets.json",
        'JSON of "<TF> <line>" -> target genes; a path or resource:<name>',
    )
    aliases: dict[str, Word] = key(
        {
            "BRG1": "SMARCA4",
            "KAP1": "TRIM28",
            "NF-YA": "NFYA",
            "NFKB": "RELA",
            "NRSF": "REST",
            "SREBP2": "SREBF2",
            "TR4": "NR2C2",
        },
        "name of an experiment in the truth -> gene symbol",
    )
    tfs: File = key(
        "resource:motif_tfs.tsv.gz",
        "TF symbols, one a line; experiments of proteins without a known DNA motif are left out; a path or "
        "resource:<name>",
    )
    min_positives: int = key(
        10, "target genes a TF must have among those detected", unit="genes", ge=1
    )
    promoter_margin: int = key(1000, "to both sides of a TSS", unit="bp", ge=0)
    binding_weight: float = key(
        2,
        "weight of the log odds of binding at promoters beside the baseline's, in the networks binding_with_baseline "
        "and binding_prior_with_linked_baseline; chosen on GM12878 and H1",
        ge=0,
    )
    prior_log_odds: float = key(
        1,
        "log odds that a pair of TF and gene in the prior without ChIP adds, in binding_prior_with_linked_baseline; "
        "chosen on GM12878 and H1",
        ge=0,
    )
    link_decay: float = key(
        5000,
        "from a TSS, where the weight of an accessible region falls to 1/e, in the baseline "
        "linked_accessibility_expression; tried on K562",
        unit="bp",
        gt=0,
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


class Bench(Settings):
    """Benchmarks."""

    seed: Seed = key(1, "of the bootstrap and of random networks")
    n_resamples: int = key(
        1000, "bootstrap resamples behind the intervals of medians", ge=100
    )
    compare: list[Pair] = key(
        [],
        "pairs of datasets of the same cells whose networks stand beside each other: [[snareseq, other]]",
    )
    grn_accuracy: GrnAccuracy = GrnAccuracy()
    drug_response: DrugResponse = DrugResponse()
