"""Bulk drug screens to single cells."""

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


class CellFile(Settings):
    """A file of single cells."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$")] = key(
        ..., "of these cells, in tables"
    )
    cells: File = key(
        ...,
        "matrix with names: .csv, .tsv or .txt (.gz), or .h5ad; a path or resource:<name>",
    )
    rows: Literal["genes", "cells"] = key(
        ..., "what the lines of a text file are; an .h5ad has cells"
    )
    values: Literal["linear", "logarithms", "z_scores"] = key(
        ...,
        "linear: counts, expected counts or TPM; logarithms: natural, of 1 + values of any total; z_scores: by gene, "
        "only for cells with labels",
    )
    gene_ids: File | None = key(
        ...,
        "table that translates Ensembl or Entrez ids (gene_id, gene_name; or EntrezGene ID, Approved Symbol) to "
        "symbols; a path or resource:<name>; null: genes are symbols",
    )
    labels: File | None = key(
        ...,
        "CSV with a line a cell, named as the cells or numbered in their order; a path or resource:<name>; null: in "
        "obs, or a column of a text file of which the lines are cells",
    )
    label: Word | None = key(
        ..., "column of the labels; null: all cells are of the one line named in lines"
    )
    keep: dict[str, Word] = key(
        ..., "column of the labels -> the value of the cells that are taken; {}: all"
    )


class LineCells(CellFile):
    """Single cells of known lines of the screen."""

    lines: dict[str, Word] = key(
        ...,
        "label -> line as the screen spells it; cells of other labels are left out",
        min_length=1,
    )


class LabelledCells(CellFile):
    """Single cells that are known to respond to a drug or not."""

    screen: File = key(
        ...,
        "CSV with CELL_LINE_NAME, DRUG_NAME, LN_IC50; a path or resource:<name>",
    )
    drug: Word = key(..., "as the screen spells it")
    sensitive: Word = key(..., "label of cells that respond")
    resistant: Word = key(..., "label of cells that do not")
    cell_set: Word = key(
        ...,
        "name of the set of cells: tasks of one set share cells, and are no independent tests",
    )
    leave_out: list[Word] = key(
        ...,
        "lines of the screen that the cells are of, which are not trained on; []: none",
    )


class Grids(Settings):
    """Settings tried by each method, on lines of the screen only; as many by each."""

    ridge: list[PositiveFloat] = key(
        [0.3, 1, 3, 10],
        "penalties in mean squared norms of a line's features",
        min_length=1,
    )
    neighbours: list[Count] = key(
        [5, 10, 20, 40], "numbers of nearest lines", unit="lines", min_length=1
    )
    boosting: list[PositiveFloat] = key(
        [0.03, 0.06, 0.1, 0.2], "learning rates", min_length=1
    )
    logistic: list[PositiveFloat] = key(
        [0.001, 0.01, 0.1, 1], "inverse penalties", min_length=1
    )
    coral: list[PositiveFloat] = key(
        [0.3, 1, 3, 10],
        "penalties of the ridge after alignment, in mean squared norms",
        min_length=1,
    )
    network: list[PositiveFloat] = key(
        [0.001, 0.01, 0.1, 1], "weight decays", min_length=1
    )
    mmd: list[PositiveFloat] = key(
        [0.1, 0.3, 1, 3], "weights of the discrepancy", min_length=1
    )
    adversarial: list[PositiveFloat] = key(
        [0.1, 0.3, 1, 3], "weights of the reversed gradient", min_length=1
    )


class Samples(Settings):
    """What stands for a line: all its drawn cells as pseudobulk, pools of them, single ones."""

    cells_per_line: int = key(
        50, "drawn from each line at most", unit="cells", ge=2, le=1000
    )
    pool_size: int = key(10, "cells a pool", unit="cells", ge=2)
    pools: int = key(20, "drawn from each line", ge=1)
    seed: Seed = key(1, "of drawn cells and pools")


class Methods(Settings):
    """Methods that learn on lines; the same for expression and for embeddings of models."""

    heads: list[Literal["ridge", "neighbours", "boosting"]] = key(
        ["ridge", "neighbours", "boosting"],
        "methods on the embeddings of models",
        unique=True,
        min_length=1,
    )
    components: int = key(
        64, "principal components of features, for all methods but ridge", ge=1
    )
    factors: int = key(
        5, "principal components of responses that boosting predicts", ge=1
    )
    rounds: int = key(30, "trees of boosting for each of them", unit="trees", ge=1)
    hidden: int = key(64, "width of the networks' common layer", ge=1)
    epochs: int = key(40, "passes over the lines by the networks", unit="epochs", ge=1)
    validation_fraction: PartFraction = key(
        0.2, "of the lines of the screen, by which settings are chosen"
    )
    seed: Seed = key(1, "of validation lines, networks and boosting")
    grids: Grids = Grids()


class Scoring(Settings):
    """Bootstrap and shuffled responses."""

    resamples: int = key(
        200, "bootstrap resamples of lines or cells", unit="resamples", ge=100
    )
    permutations: int = key(
        100, "models of shuffled responses", unit="permutations", ge=20
    )
    seed: Seed = key(1, "of resamples and permutations")


class Embedding(Settings):
    """Embedding of the cells."""

    batch_size: int = key(128, "cells embedded at a time", unit="cells", ge=1)
    seed: Seed = key(1, "of the sampled genes")


class ScDrug(Settings):
    """Responses of single cells, from a screen of bulk lines."""

    lines: list[LineCells] = key(
        [
            {
                "name": "li",
                "cells": "resource:li.csv",
                "rows": "genes",
                "values": "linear",
                "gene_ids": None,
                "labels": "resource:li_labels.csv",
                "label": "x",
                "keep": {},
                "lines": {"A549": "A549", "K562": "K-562", "HCT116": "HCT-116"},
            },
            {
                "name": "pollen",
                "cells": "resource:pollen.csv",
                "rows": "genes",
                "values": "linear",
                "gene_ids": None,
                "labels": "resource:pollen_labels.csv",
                "label": "x",
                "keep": {},
                "lines": {"Hi_K562": "K-562", "Hi_HL60": "HL-60"},
            },
        ],
        "single cells of known lines of drug_response's screen, where that has a split; []: no benchmark",
    )
    subsets: dict[str, list[Word]] = key(
        {},
        "name -> lines that are also scored by themselves, by the same models",
        names={"pattern": "^[A-Za-z0-9_ -]+$"},
    )
    aliases: list[Word] = key(
        [],
        "further names of tested lines in the screen, which are left out of training too",
    )
    labelled: list[LabelledCells] = key(
        [], "single cells with labels of response; []: no benchmark"
    )
    models: Word | None = key(
        None,
        "dataset or corpus whose pretrained models embed the cells with labels; null: none. Cells of known lines are "
        "embedded by all",
    )
    samples: Samples = Samples()
    methods: Methods = Methods()
    scoring: Scoring = Scoring()
    embed: Embedding = Embedding()
