"""Embedding of new cells by a pretrained model."""

from __future__ import annotations

from grnformer.settings.key import File, Seed, Settings, Word, key

#: of a model whose makers do not say what it is for
RESEARCH = (
    "Research on gene regulation. Not for decisions about patients. Cells unlike those it was trained on are flagged "
    "out of domain, and their embeddings are not to be relied on."
)


class Mapping(Settings):
    """To the nearest pretraining cell, whose graph is taken."""

    exact_up_to: int = key(
        20000,
        "reference cells up to which every one is compared; beyond, an approximate index",
        unit="cells",
        ge=1,
    )
    usual_quantile: float = key(
        0.95,
        "of the distances of reference cells to their nearest ones; a cell beyond it is out-of-domain",
        gt=0,
        lt=1,
    )
    warn_above: float = key(
        0.2,
        "fraction of out-of-domain cells above which a warning is given",
        ge=0,
        le=1,
    )


class Bundle(Settings):
    """Model bundles that the rule bundle_model writes: `snakemake bundle`, of the model that embeds."""

    licence: File | None = key(
        None,
        "text file with the licence of the weights; null: the bundle says that none was given",
    )
    use: Word = key(
        RESEARCH,
        "what the model may be used for, for its card",
    )


class Embed(Settings):
    """Cells of any .h5ad or .zarr by a pretrained model; docs/use-the-embeddings.md."""

    inputs: dict[str, File] = key(
        {},
        "name -> .h5ad or .zarr of counts, or natural log1p of normalised counts; a path or resource:<name>",
        names={"pattern": "^[A-Za-z0-9_-]+$"},
    )
    model: File | None = key(
        None,
        "folder of a model bundle that embeds in place of a model of this run, into results/embed; null: by arm and "
        "model_seed",
    )
    bulk: bool = key(
        False,
        "rows are bulk profiles, not cells: genes up to a profile's median count as not expressed",
    )
    arm: Word = key("hybrid", "an arm of pretrain.arms")
    model_seed: Seed = key(1, "a seed of pretrain.seeds")
    seed: Seed = key(1, "of the sampled genes and of the approximate index")
    gene_cells: int = key(
        2000,
        "training cells at most, at even distances, over which the vectors of a gene are averaged",
        unit="cells",
        ge=1,
    )
    batch_size: int = key(128, "cells embedded at a time", unit="cells", ge=1)
    mapping: Mapping = Mapping()
    bundle: Bundle = Bundle()
