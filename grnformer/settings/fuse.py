"""Graph bundles from networks."""

from __future__ import annotations

from typing import Literal

from grnformer.settings.key import Seed, Settings, key

Graph = Literal["cell_type", "cell", "hybrid", "none", "random", "degree_preserving"]


class Names(Settings):
    """Vocabulary and aliases of a backbone."""

    vocabulary: str = key(..., "as fuse.vocabulary")
    aliases: str | None = key(..., "as fuse.aliases; null: none")


class Vocabularies(Settings):
    """Vocabulary and aliases of each backbone."""

    scgpt: Names = Names(vocabulary="resource:scgpt_vocabulary.json", aliases=None)
    geneformer: Names = Names(vocabulary="resource:geneformer_tokens.pkl", aliases="resource:geneformer_symbols.pkl")
    scfoundation: Names = Names(vocabulary="resource:scfoundation_genes.tsv", aliases=None)


class Fuse(Settings):
    """Graph bundles from networks."""

    seed: Seed = key(1, "of the control graphs")
    vocabulary: str | None = key(
        None,
        "the backbone's vocabulary, gene -> id: JSON, TSV (gene_name, index) or pickled dict; a path or "
        "resource:<name>; null: that of pretrain.backbone",
    )
    aliases: str | None = key(
        None,
        "TSV (alias, symbol) or pickled dict, for genes not named as in the vocabulary; a path or resource:<name>; "
        "null: those of the backbone",
    )
    backbones: Vocabularies = Vocabularies()
    min_cells: int = key(10, "cells that a gene must be found in", unit="cells", ge=1)
    max_genes: int = key(3000, "genes of the graph; those of the network first", unit="genes", ge=10)
    graphs: list[Graph] = key(
        ["cell_type", "cell", "hybrid", "none", "random", "degree_preserving"],
        "graph modes that the target `fuse` builds",
        min_length=1,
        unique=True,
    )
