"""Published checkpoints of backbones: read strictly, put into a model, taken back out and written.

Each backbone reads and writes its own format (`Backbone.read_published`, `write_published`); all share what is here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from grnformer.core.errors import InputError
from grnformer.core.text import existing

if TYPE_CHECKING:
    from grnformer.model.backbones.base import Backbone


@dataclass(frozen=True)
class Published:
    """A published checkpoint in memory.

    Attributes
    ----------
    source
        Where it was read, for messages.
    architecture
        Arguments of the backbone, among them vocabulary_size.
    weights
        By their published names.
    vocabulary
        Gene or special token -> entry; None where the format has none.
    unused
        Weights that our model has no use for; written back as they are.
    settings
        What else the format holds, written back as it is.
    """

    source: Path
    architecture: dict[str, Any]
    weights: dict[str, torch.Tensor]
    vocabulary: dict[str, int] | None = None
    unused: dict[str, torch.Tensor] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def digest(self) -> str:
        """SHA-256 of names, shapes and values."""
        digest = hashlib.sha256()
        for name in sorted(self.weights):
            value = self.weights[name].detach().cpu().contiguous()
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            # as bytes: numpy has no bfloat16
            digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


def put_published(
    backbone: Backbone, published: Published, genes: pd.DataFrame
) -> None:
    """Load the weights into a backbone of the checkpoint's architecture.

    Parameters
    ----------
    genes
        gene, token (entry in the vocabulary that the genes were aligned to), by node number.

    Raises
    ------
    InputError
        If weights are missing, not expected or of another shape (all are named), or if the genes were aligned to
        another vocabulary than the checkpoint's.
    """
    names = backbone.published_names()
    check_names(published.source, set(published.weights), set(names.values()))

    # before load_state_dict, whose message would have our names, not those of the file
    state = backbone.state_dict()
    loaded = {ours: published.weights[theirs] for ours, theirs in names.items()}
    wrong = [
        f"{names[ours]} {tuple(value.shape)} instead of {tuple(state[ours].shape)}"
        for ours, value in loaded.items()
        if value.shape != state[ours].shape
    ]
    if wrong:
        raise _unlike(published.source, f"weights of another shape: {', '.join(wrong)}")
    _check_vocabulary(published, genes)

    loaded["rows_N"] = torch.from_numpy(genes["token"].to_numpy().astype(np.int64))
    left = backbone.load_state_dict(loaded, strict=False).missing_keys
    # a tied weight is loaded by its other name: only parameters, which are named once, may not be left
    if unpublished := sorted(
        set(left) & {name for name, _ in backbone.named_parameters()}
    ):
        raise ValueError(
            f"the backbone has weights that its published format lacks: {unpublished}"
        )


def take_published(backbone: Backbone, published: Published) -> Published:
    """The checkpoint with the weights that the backbone has now."""
    state = backbone.state_dict()
    # clones: on a CPU they would change with the next step
    weights = {
        theirs: state[ours].detach().cpu().clone()
        for ours, theirs in backbone.published_names().items()
    }
    return replace(
        published, weights={name: weights[name] for name in published.weights}
    )


def check_names(
    source: Path, found: Collection[str], expected: Collection[str]
) -> None:
    """Raise an InputError that names all missing and all unexpected weights."""
    missing, unexpected = (
        sorted(set(expected) - set(found)),
        sorted(set(found) - set(expected)),
    )
    if missing or unexpected:
        parts = [f"missing weights: {', '.join(missing)}"] * bool(missing)
        parts += [f"unexpected weights: {', '.join(unexpected)}"] * bool(unexpected)
        raise _unlike(source, "; ".join(parts))


def load_tensors(path: Path) -> dict[str, Any]:
    """Tensors by name: of a .safetensors, or what torch saved, by its restricted loader (plain containers only).

    Raises
    ------
    InputError
        If the file is missing, damaged, wants anything to be called, or holds anything but a dict.
    """
    from safetensors.torch import load_file

    existing(path, "pretrain.checkpoint")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    # a damaged file may raise whatever its reader trips over
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise InputError(
            f"{path}: {lines[0]}",
            "tensors in plain containers, saved by torch or safetensors",
            "fetch the file again; do not trust a pickle that wants more",
        ) from error

    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise InputError(
            f"{path} holds a {type(found).__name__}",
            "tensors by name",
            "fetch the file again, or check pretrain.checkpoint",
        )
    return found


def check_numbers(
    path: Path, settings: Mapping[str, Any], names: Iterable[str]
) -> None:
    """Raise InputError unless the sizes of a checkpoint are numbers from 0."""
    for name in names:
        value = settings[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise InputError(
                f"{path}: {name} is {value!r}",
                "a number from 0",
                "fetch the checkpoint again, or check pretrain.checkpoint",
            )


def _check_vocabulary(published: Published, genes: pd.DataFrame) -> None:
    size = published.architecture["vocabulary_size"]
    # genes that the vocabulary lacks were found by an alias
    expected = genes["gene"].map(published.vocabulary or {}).fillna(genes["token"])
    other = genes[(genes["token"] >= size) | (genes["token"] != expected)]
    if len(other):
        first = other.iloc[0]
        raise InputError(
            f"{published.source}: {len(other)} of {len(genes)} genes were aligned to another vocabulary, first "
            f"{first['gene']!r} as entry {first['token']}",
            f"the vocabulary of the checkpoint, {size} entries",
            "set fuse.vocabulary to that of the checkpoint",
        )


def _unlike(source: Path, found: str) -> InputError:
    return InputError(
        f"{source}: {found}",
        "the weights of pretrain.backbone, all and no others",
        "check pretrain.backbone and pretrain.checkpoint",
    )
