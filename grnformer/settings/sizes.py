"""A size of model and training; the defaults are those of the size tiny."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grnformer.settings.backbones import BACKBONES, Architectures
from grnformer.settings.key import Fraction, PartFraction, Settings, key

Masks = Annotated[
    list[PartFraction], Field(min_length=2, json_schema_extra={"uniqueItems": True})
]


class Tokens(Settings):
    """Tokens of one backbone."""

    n_tokens: int = key(..., "genes of a cell", unit="genes", ge=2)
    expressed_fraction: Fraction = key(
        ..., "of the tokens, where a cell has as many expressed genes"
    )
    mask_fraction: PartFraction | Masks = key(
        ..., "of the tokens; of a list, each batch takes one at random"
    )


class Adapter(Settings):
    """Graph adapter."""

    n_heads: int = key(4, "attention heads", ge=1)
    position: Literal["after", "replace_last"] = key(
        "after", "after the backbone's last layer, or in its place"
    )


class Gnn(Settings):
    """Graph encoders."""

    name: Literal["sage", "gcn", "gat", "gin"] = key(
        "sage", "layer of the graph encoders"
    )
    width: int = key(
        32, "of the structure embeddings; for gat a multiple of n_heads", ge=1
    )
    n_layers: int = key(2, "layers of message passing", ge=1)
    n_heads: int = key(4, "attention heads of gat", ge=1)
    fanout: int = key(10, "incoming edges kept for each gene", unit="edges", ge=1)
    direction: Literal["tf_to_gene", "both"] = key("tf_to_gene", "the way messages go")
    fusion: Literal["sum", "gate", "concat"] = key(
        "sum", "how the embeddings of the scales become one; gate starts as the sum"
    )


class Size(Settings):
    """A size of model and training: a file of config/sizes, which names only what differs from tiny."""

    by_backbone: dict[str, Tokens] = key(
        {},
        "backbone -> n_tokens, expressed_fraction, mask_fraction in place of those below",
        names={"enum": list(BACKBONES)},
    )
    backbones: Architectures = Architectures()
    adapter: Adapter = Adapter()
    gnn: Gnn = Gnn()
    gene_start: Literal["coexpression", "random"] = key(
        "coexpression",
        "where gene embeddings start: principal axes of the training cells (the output bias of a masked gene from the "
        "genes' frequencies), or at random",
    )
    linear_start: bool = key(
        True,
        "values are predicted as those of a factor model of the training cells plus what the model learns beyond it; "
        "not with a checkpoint, nor for masked genes",
    )
    linear_axes: list[Annotated[int, Field(ge=1)]] = key(
        [2, 3, 5, 10, 20],
        "of that factor model, one number is chosen on training cells set aside; it is also a baseline",
        min_length=1,
        unique=True,
    )
    n_tokens: int = key(128, "genes of a cell", unit="genes", ge=2)
    expressed_fraction: Fraction = key(
        0.5, "of the tokens, where a cell has as many expressed genes"
    )
    mask_fraction: PartFraction = key(0.3, "of the tokens")
    batch_size: int = key(32, "cells a step, over all processes", unit="cells", ge=1)
    block_cells: int = key(256, "cells read at a time", unit="cells", ge=1)
    held_blocks: int = key(
        16, "blocks shuffled together in memory", unit="blocks", ge=1
    )
    steps: int = key(160, "training steps", unit="batches", ge=1)
    warmup_steps: int = key(10, "steps of a rising learning rate", unit="batches", ge=0)
    learning_rate: float = key(0.003, "highest learning rate", gt=0)
    precision: Literal["32-true", "bf16-mixed"] = key("32-true", "of Lightning")
    accumulate: int = key(
        1, "parts in which each process runs its part of a batch, to save memory", ge=1
    )
    compile: bool = key(
        False, "torch.compile of the backbone, where a C++ compiler is at hand"
    )
