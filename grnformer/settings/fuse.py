"""Graph bundles from networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grnformer.core.methods import Method, names
from grnformer.settings.backbones import PACKAGE
from grnformer.settings.key import Count, File, Seed, Settings, key
from grnformer.settings.methods import with_methods

Graph = Annotated[
    str, Field(json_schema_extra={"enum": [*names("grnformer.graph.modes")]})
]


class Names(Settings):
    """Vocabulary and aliases of a backbone."""

    vocabulary: File = key(..., "as fuse.vocabulary")
    aliases: File | None = key(..., "as fuse.aliases; null: none")


def names_of(backbone: Method) -> Names:
    """Return the names that the registration of a backbone states."""
    return Names(
        vocabulary=backbone.about["vocabulary"], aliases=backbone.about["aliases"]
    )


@with_methods(PACKAGE, names_of)
class Vocabularies(Settings):
    """Vocabulary and aliases of each backbone."""


class Knowledge(Settings):
    """Pathways, complexes and interactions as a graph, for graphs with the scale knowledge."""

    sources: dict[str, File] = key(
        {"interactions": "resource:regulatory_prior.parquet"},
        "name -> OmniPath's interactions, CORUM's complexes, gene sets (GMT, named .gmt), or a table of gene_a, gene_b "
        "and optionally weight (above 0); a path or resource:<name>",
        names={"pattern": "^[A-Za-z0-9_-]+$"},
    )
    max_set_size: int = key(
        100, "larger pathways and complexes link no genes", unit="genes", ge=2
    )
    max_neighbours: int = key(
        10,
        "partners of a gene from one source, the heaviest links first",
        unit="genes",
        ge=1,
    )


class Fuse(Settings):
    """Graph bundles from networks."""

    seed: Seed = key(1, "of the control graphs")
    vocabulary: File | None = key(
        None,
        "the backbone's vocabulary, gene -> id: JSON, TSV (gene_name, index) or pickled dict; a path or "
        "resource:<name>; null: that of pretrain.backbone",
    )
    aliases: File | None = key(
        None,
        "TSV (alias, symbol) or pickled dict, for genes not named as in the vocabulary; a path or resource:<name>; "
        "null: those of the backbone",
    )
    orthologs: dict[str, File | None] = key(
        {},
        "genome -> two columns, a gene and its ortholog in the species of vocabulary and knowledge (human); a path or "
        "resource:<name>; without, or null: genes are of that species",
    )
    backbones: Vocabularies = Vocabularies()
    min_cells: int = key(10, "cells that a gene must be found in", unit="cells", ge=1)
    max_genes: int = key(
        3000, "genes of the graph; those of the network first", unit="genes", ge=10
    )
    max_regulators: Count | None = key(
        None,
        "TFs of a gene in the graph of a cell type, those of the largest weight, and in all eRegulons; null: all",
        unit="TFs",
    )
    cell_weight: Literal["tf_gene", "binding"] = key(
        "tf_gene",
        "what an edge of a cell's graph weighs: importance of the TF for the gene, or score of the cistrome",
    )
    knowledge: Knowledge = Knowledge()
    graphs: list[Graph] = key(
        ["cell_type", "cell", "hybrid", "none", "random", "degree_preserving"],
        "graph modes that the target `fuse` builds",
        min_length=1,
        unique=True,
    )
