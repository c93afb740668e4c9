"""A model bundle as the rules see it: names of its files, and those that a job reads. PyTorch is not needed here."""

from __future__ import annotations

from pathlib import Path

from grnformer.core.errors import InputError

MANIFEST, SUMS, GRAPH = "bundle.json", "SHA256SUMS", "graph"
VOCABULARY, ALIASES = "vocabulary.json", "aliases.tsv"
MODEL = ("model.safetensors", "model.json", "reference.parquet", "heldout.json")


def is_model_bundle(folder: str | Path) -> bool:
    """Whether the folder says that it is one."""
    return (Path(folder) / MANIFEST).is_file()


def check_is_bundle(folder: str | Path, setting: str = "") -> None:
    """Raise InputError unless the folder is a model bundle; `setting`: where it was named."""
    if not is_model_bundle(folder):
        raise InputError(
            f"{f'{setting} is ' if setting else ''}{folder}, which has no {MANIFEST}",
            "a model bundle: the whole folder that the rule bundle_model or `grnformer bundle` wrote",
            "name that folder, or bring all its files; a model of this run is chosen by embed.arm and embed.model_seed",
        )


def files_of_bundle(folder: str | Path) -> dict[str, str]:
    """Inputs of the rule that embeds by a model bundle.

    ``weights, card, reference, bundle, vocabulary``, and ``aliases`` if it has them.

    Raises
    ------
    InputError
        If `folder` is none.
    """
    folder = Path(folder)
    check_is_bundle(folder, "embed.model")
    weights, card, reference, _ = MODEL
    files = {
        "weights": weights,
        "card": card,
        "reference": reference,
        "bundle": GRAPH,
        "vocabulary": VOCABULARY,
        "aliases": ALIASES,
    }
    found = {key: str(folder / name) for key, name in files.items()}
    if not (folder / ALIASES).is_file():
        del found["aliases"]
    return found
