"""What the adapters attend to."""

from __future__ import annotations

from grnformer.settings.key import Count, Seed, Settings, key


class Attention(Settings):
    """What the adapters attend to in held-out cells; docs/attention.md."""

    arms: list[str] | None = key(
        None,
        "arms of pretrain.arms with an adapter; null: all of these, []: no analysis",
        unique=True,
    )
    seed: Seed = key(
        1,
        "of the cells, their tokens and masks, and of the nulls; the same for all arms",
    )
    cells_per_type: int = key(
        30, "held-out cells of each type at most", unit="cells", ge=1
    )
    draws: int = key(1, "samples of tokens and mask of each cell", unit="samples", ge=1)
    max_tokens: int = key(
        2048,
        "genes of a cell at most, where training had more; memory grows with its square",
        unit="genes",
        ge=2,
    )
    degree_bins: list[Count] = key(
        [1, 2, 4, 8, 16, 32, 64],
        "lower ends of the bins of links, ascending; genes without a link are a bin apart",
        unit="links",
        min_length=1,
        unique=True,
    )
    expression_bins: int = key(
        5,
        "equally filled bins of mean expression; genes that are not expressed are a bin apart",
        unit="bins",
        ge=1,
    )
    null_draws: int = key(
        500,
        "samples of other genes in place of TFs, and permutations of labels",
        unit="samples",
        ge=100,
    )
    min_observed: int = key(
        1,
        "cells (times samples) in which both genes of a pair are among the tokens; raise it where there are many cells",
        unit="cells",
        ge=1,
    )
    top_pairs: int = key(
        100,
        "regulator-target pairs of highest attention of each type that are listed and whose precision is taken",
        unit="pairs",
        ge=1,
    )
