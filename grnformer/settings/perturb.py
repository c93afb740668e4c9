"""Genes set in silico."""

from __future__ import annotations

from typing import Literal

from grnformer.settings.key import Count, Seed, Settings, Word, key


class Perturb(Settings):
    """Knock-down and over-expression of genes in silico, through networks and models; docs/perturb-a-gene.md."""

    genes: list[Word] = key(
        [], "symbols, TFs or not, such as [GATA1, MYC]; []: off", unique=True
    )
    kinds: list[Literal["knock_down", "over_expression"]] = key(
        ["knock_down", "over_expression"],
        "what is done to each gene",
        unique=True,
        min_length=1,
    )
    cell_types: list[Word] | None = key(
        None, "whose cells and networks are taken; null: all", unique=True
    )
    arms: list[Word] | None = key(
        None,
        "arms of pretrain.arms through which genes are set; null: all that predict values, []: networks only",
        unique=True,
    )
    fold: float = key(0.0, "of the gene's counts that a knock-down leaves", ge=0, lt=1)
    quantile: float = key(
        1.0,
        "of the values of a cell's expressed genes, to which over-expression sets a gene; 1: as high as the highest",
        gt=0,
        le=1,
    )
    steps: int = key(
        3,
        "edges that a change passes at most; CellOracle: 3 (doi 10.1038/s41586-022-05688-9)",
        ge=1,
        le=100,
    )
    n_rewired: int = key(
        20, "degree-preserving forms of each network beside it", ge=1, le=1000
    )
    cells: Count = key(
        100,
        "cells of a type at most in which a gene is set in a model, at even distances",
        unit="cells",
    )
    draws: Count = key(2, "samples of the tokens of each of them", unit="samples")
    batch_size: Count = key(128, "cells at a time", unit="cells")
    seed: Seed = key(1, "of the tokens, masks and edges, and of rewiring")
