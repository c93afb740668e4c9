"""A model on disk: weights as safetensors, everything else as JSON; no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from grnformer.core import io, record
from grnformer.core.errors import InputError
from grnformer.model.grnformer import GRNFormer
from grnformer.model.published import load_tensors

# of model.json and the names of weights; raise it where older models no longer load
FORMAT = 3


def save_model(
    model: GRNFormer, card: dict[str, Any], weights: str | Path, description: str | Path
) -> None:
    """Write model.safetensors and model.json; `card` has the arguments of GRNFormer under `arguments`."""
    state = model.state_dict()
    # safetensors refuses tensors that share memory, as tied weights do: all but the first are written as copies
    # reversed: of names that share memory the first is set last, and stays
    first = {value.data_ptr(): name for name, value in reversed(state.items())}
    apart = {
        n: v.contiguous() if first[v.data_ptr()] == n else v.clone()
        for n, v in state.items()
    }
    with io.atomic(weights) as temporary:
        save_file(apart, temporary)

    # after the weights: a card alone would pass for a model
    made = record.current()
    carried = {"record": made} if made else {}
    io.write_json({"format": FORMAT, **card, **carried}, description, "model")


def read_card(folder: str | Path) -> dict[str, Any]:
    """Read the card of a model in `folder`.

    Raises
    ------
    InputError
        If it has another format.
    """
    path = Path(folder) / "model.json"
    # no schema yet: an older card would fail it before its format is seen
    found = io.read_json(path).get("format")
    if found != FORMAT:
        raise InputError(
            f"{path} has the format {found}"
            if found
            else f"{path} has no format: an earlier version wrote it",
            f"format {FORMAT}, as this version of grnformer writes",
            "train the model again, or use it with the version that wrote it",
        )
    return io.read_json(path, "model")


def load_model(folder: str | Path) -> tuple[GRNFormer, dict[str, Any]]:
    """Read a model that `save_model` wrote to `folder`, in evaluation mode, and its card.

    Raises
    ------
    InputError
        If weights and description do not belong together (missing or unexpected weights are errors), or are of another
        format.
    """
    folder = Path(folder)
    card = read_card(folder)
    n_genes = len(card["genes"])
    model = GRNFormer(
        n_genes, mean=np.zeros(n_genes), sd=np.ones(n_genes), **card["arguments"]
    )

    try:
        model.load_state_dict(load_tensors(folder / "model.safetensors"))
    except RuntimeError as error:
        raise InputError(
            f"{folder / 'model.safetensors'}: {error}",
            "the weights that model.json describes",
            "train the model again, or put both files of one model side by side",
        ) from error
    return model.eval(), card
