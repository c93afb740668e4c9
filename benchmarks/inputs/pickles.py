"""Pickles, checkpoints and archives that are hostile or damaged: nothing is run, written elsewhere or filled up."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grnformer.core import resources
from grnformer.core.stored import open_stored
from grnformer.core.unpickle import read_plain_dict, read_tensor_dict, read_text_dict
from grnformer.model.backbones import BACKBONES
from grnformer.model.published import load_tensors
from grnformer.model.saved import load_model
from inputs.data import write
from inputs.rows import Kind

KIND = Kind("Pickles, checkpoints, archives")


class Runs:
    """A pickle that runs a command when it is read."""

    def __reduce__(self) -> Any:
        return os.system, ("touch it_ran",)


class Evaluates:
    """A pickle that evaluates code."""

    def __reduce__(self) -> Any:
        return eval, ("open('it_ran', 'w')",)


class Opens:
    """A pickle that opens a file."""

    def __reduce__(self) -> Any:
        return open, ("it_ran", "w")


READERS = {
    "text": read_text_dict,
    "numbers": read_plain_dict,
    "tensors": read_tensor_dict,
    "checkpoint": lambda path: load_tensors(Path(path)),
}


def never_run(read: Any, content: bytes) -> Any:
    """Read a pickle; what it would run must not be there afterwards."""
    write("p.pkl", content)
    try:
        return read("p.pkl")
    finally:
        assert not Path("it_ran").exists(), "the pickle was run"


def of_torch(value: Any) -> bytes:
    """As torch saves it."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


HUGE = b"\x80\x04}" + b"r\xff\xff\xff\x7f" + b"."
for name, read in READERS.items():
    for evil in (Runs(), Evaluates(), Opens()):
        doing = type(evil).__doc__.split("that ")[1].rstrip(".")
        for given, value in [("alone", evil), ("as a value", {"A": evil})]:
            wrapped = of_torch(value) if name == "checkpoint" else pickle.dumps(value)
            KIND.refused(
                f"{name}: a pickle that {doing}, {given}",
                partial(never_run, read, wrapped),
                "p.pkl",
                "do not trust",
            )
    KIND.refused(f"{name}: empty", partial(never_run, read, b""), "p.pkl")
    KIND.refused(f"{name}: no pickle", partial(never_run, read, b"hello"), "p.pkl")
    KIND.refused(
        f"{name}: a pickle that asks for memory for 2^31 objects",
        partial(never_run, read, HUGE),
        "p.pkl",
    )
    KIND.refused(f"{name}: not there", lambda r=read: r("no.pkl"), "no.pkl")
    KIND.refused(f"{name}: a folder", lambda r=read: r("."), "folder|\\.")
KIND.works(
    "tensors: a dict of tensors",
    lambda: never_run(read_tensor_dict, pickle.dumps({"A": torch.ones(2)})),
    {"A": np.ones(2)},
)
KIND.refused(
    "tensors: a dict of lists",
    lambda: never_run(read_tensor_dict, pickle.dumps({"A": [1, 2]})),
    "something else",
)
KIND.refused(
    "tensors: torch's own archive in place of a pickle",
    lambda: never_run(read_tensor_dict, of_torch({"A": torch.ones(2)})),
    "p.pkl",
)


# models and checkpoints
def model(card: str, weights: bytes = b"x") -> Any:
    """A trained model's folder."""
    write("m/model.json", card)
    write("m/model.safetensors", weights)
    return load_model("m")


for given, card, *words in [
    ("model.json empty", "", "model.json"),
    ("model.json cut off", '{"format": 3, "arg', "model.json"),
    ("model.json of a list", "[]", "model.json"),
    ("model.json of a number", "7", "model.json"),
    ("model.json without a format", "{}", "model.json"),
    ("model.json of a format to come", '{"format": 999}', "999"),
]:
    KIND.refused(f"model: {given}", partial(model, card), *words)
KIND.refused("model: a folder without model.json", lambda: load_model("."), "model")
KIND.refused("model: not there", lambda: load_model("nowhere"), "nowhere")


def scgpt(
    args: str, vocabulary: str = '{"<cls>": 0, "A": 1}', weights: bytes = b"x"
) -> Any:
    """A published scGPT folder."""
    write("c/args.json", args)
    write("c/vocab.json", vocabulary)
    write("c/best_model.pt", weights)
    return BACKBONES["scgpt"].read_published(Path("c"), {"masked_attention": False})


ARGS = json.dumps(
    {"embsize": 4, "nlayers": 1, "nheads": 1, "d_hid": 4, "dropout": 0, "n_bins": 5}
)
for given, args, more, *words in [
    ("args.json cut off", '{"embsize": ', {}, "args.json"),
    ("args.json of a list", "[1]", {}, "args.json"),
    ("args.json of a number", "7", {}, "args.json"),
    ("args.json without nheads", ARGS.replace("nheads", "x"), {}, "nheads"),
    ("a word for a width", ARGS.replace('"embsize": 4', '"embsize": "x"'), {"weights": of_torch({})}, "embsize|width"),
    ("vocab.json without <cls>", ARGS, {"vocabulary": '{"A": 1}'}, "<cls>"),
    ("weights that are no checkpoint", ARGS, {}, "best_model.pt"),
    ("weights that are a list", ARGS, {"weights": of_torch([1])}, "best_model.pt"),
    ("weights that run a command", ARGS, {"weights": of_torch({"a": Runs()})}, "best_model.pt", "do not trust"),
]:  # fmt: skip
    KIND.refused(f"checkpoint: {given}", partial(scgpt, args, **more), *words)


def geneformer(config: str, weights: bytes = b"x") -> Any:
    """A published Geneformer folder."""
    write("g/config.json", config)
    write("g/model.safetensors", weights)
    return BACKBONES["geneformer"].read_published(Path("g"), {})


for given, config in [("cut off", '{"hidden'), ("of a list", "[]"), ("empty", "{}")]:
    KIND.refused(
        f"checkpoint: config.json {given}", partial(geneformer, config), "config.json"
    )
GENEFORMER = json.dumps({"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 4, "hidden_dropout_prob": 0, "vocab_size": 9, "max_position_embeddings": 8, "layer_norm_eps": 1e-12, "hidden_act": "relu", "attention_probs_dropout_prob": 0, "model_type": "bert"})  # fmt: skip
KIND.refused(
    "checkpoint: safetensors cut off",
    partial(geneformer, GENEFORMER),
    "model.safetensors|config.json",
)
KIND.refused(
    "checkpoint: safetensors whose header is 2^60 bytes long",
    partial(geneformer, GENEFORMER, (1 << 60).to_bytes(8, "little")),
    "model.safetensors|config.json",
)


# archives of resources
def fetched(member: str, source: str) -> Any:
    """A resource out of an archive with a file of this name."""
    folder = Path("resources/.archives/x-1")
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "x-1-py3-none-any.whl", "w") as archive:
        archive.writestr(member, "evil")
    entry = {
        "source": f"pypi:x==1:{source}",
        "sha256": "0" * 64,
        "licence": "",
        "about": "",
    }
    try:
        return resources.fetch("r.txt", entry, "resources/r.txt")
    finally:
        assert not Path("evil").exists(), "written elsewhere"
        assert not Path("resources/r.txt").exists(), "left behind"


KIND.refused(
    "resource: a member ../../evil",
    lambda: fetched("../../evil", "../../evil"),
    "SHA-256",
)
KIND.refused(
    "resource: a member that is not there",
    lambda: fetched("a", "b"),
    "could not be fetched",
)
KIND.refused("an .h5ad that is a link to itself", lambda: to_itself(), "a.h5ad")


def to_itself() -> Any:
    """A link in a circle."""
    Path("a.h5ad").symlink_to("a.h5ad")
    return open_stored("a.h5ad")
