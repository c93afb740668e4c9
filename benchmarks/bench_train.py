"""Tokens/s of a training step against the same model with nn.TransformerEncoder, batches padded to their longest cell.

The backbones at the size tiny, 32 cells a step, as the size says. Geneformer has as many tokens as expressed genes (up
to 2,048), scFoundation's encoder sees the expressed ones of 600 drawn (up to 420), scGPT draws the same number from
every cell. Same weights, cells and masks; a step is loss, gradient and AdamW. Ours runs its last layer and decoder for
the tokens that the loss reads, as in training; the other one for all. Steps of the two take turns, in one process held
to one core. With SCGPT=<checkout> and SCFOUNDATION=<checkout> steps of the originals' own modules are measured too;
scFoundation's needs einops and local-attention.
"""

import copy
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from original_modules import ScFoundation, ScGPT
from table import Table, say
from torch import nn
from torch.nn import functional as F

from grnformer.data.batch import Batch
from grnformer.model.backbones import BACKBONES, geneformer, scfoundation
from grnformer.model.backbones.layer import layer_names, put_at_places
from grnformer.settings.read import read_defaults

# median and sd of log of expressed genes
LENGTHS = {"the demo's cells": (382, 0.45), "10x-like cells": (1_200, 0.5)}
N_GENES, N_RANKS, N_TOKENS, EXPRESSED, STEPS, DECIMALS = 3_000, 2_048, 600, 0.7, 9, 1e-5
# how many times as fast ours should be
TIMES = {"geneformer": 2, "scfoundation": 1.6, "scgpt": 1.6}
ORIGINALS = {"scgpt": ScGPT, "scfoundation": ScFoundation}
MASKED = {"geneformer": 0.15, "scfoundation": 0.3, "scgpt": 0.3}
BERT = {
    "attention.output.dense": "self_attn.out_proj", "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1", "output.dense": "linear2", "output.LayerNorm": "norm2",
}  # fmt: skip
# a model, and the context that its steps run in
Arm = tuple[Any, Callable[[], AbstractContextManager]]


def main() -> None:
    """Run all, write benchmarks/results/train.tsv."""
    torch.set_num_threads(1)
    size = read_defaults("pretrain")["sizes"]["tiny"]
    table = Table("train")
    for name, (median, deviation) in LENGTHS.items():
        for backbone in ("geneformer", "scfoundation", "scgpt"):
            if backbone == "scgpt" and name != "the demo's cells":
                continue  # as many tokens whatever the cell
            torch.manual_seed(1)
            model = BACKBONES[backbone](n_genes=N_GENES, **size["backbones"][backbone])
            rng = np.random.default_rng(1)
            length_B = np.exp(
                rng.normal(np.log(median), deviation, size["batch_size"])
            ).astype(int)
            batch = (ranks if backbone == "geneformer" else draws)(
                length_B, MASKED[backbone], rng
            )
            what = f"{backbone} tiny, {size['batch_size']} {name}"
            add_rows(
                table,
                what,
                {"ours": (model, nullcontext), "padded": padded(copy.deepcopy(model))},
                batch,
            )
            table.write()
    changed = {"norm_first": False, "bilinear": False, "masked_attention": False}
    for backbone, given, other in (
        ("scgpt", "SCGPT", changed | {"original": True}),
        ("scfoundation", "SCFOUNDATION", {"original": True}),
    ):
        add_original(table, size, backbone, given, other)
        table.write()


def add_rows(
    table: Table, what: str, models: dict[str, Arm], batch: Batch, against: str = ""
) -> None:
    """Measure ours and the other model on a batch."""
    loss, cost = measure(models, batch)
    present = (
        batch.gene_BL.numel()
        if batch.present_BL is None
        else int(batch.present_BL.sum())
    )
    say(
        f"{what}: {present} tokens of {batch.gene_BL.numel()}, losses {loss}, CPU s {cost}"
    )
    (ours, other) = (np.median(seconds) for seconds in cost.values())
    least = None if against else TIMES[what.split()[0]]
    table.add_cost(f"{what}{against}: CPU of a step", "s", ours, other, least)
    table.add_score(
        f"{what}{against}: tokens of a CPU second",
        "1/s",
        present / ours,
        present / other,
    )
    if batch.present_BL is not None:
        table.add_figure(
            f"{what}: tokens with padding, of those without",
            "ratio",
            batch.gene_BL.numel() / present,
        )
    apart = np.abs(np.subtract(*loss.values())).max()
    table.add_bound(
        f"{what}{against}: loss, greatest difference of {STEPS + 1} steps",
        "",
        float(apart),
        # scFoundation's own gradient also goes through the maximum that its exponentials are less of
        1e-4 if against else DECIMALS,
    )


def ranks(length_B: np.ndarray, share: float, rng: np.random.Generator) -> Batch:
    """Geneformer's tokens: the expressed genes in an order of rank, the rest padding."""
    length_B = np.clip(length_B, 50, N_RANKS)
    gene_BL = np.stack([rng.permutation(N_GENES)[: length_B.max()] for _ in length_B])
    present_BL = np.arange(length_B.max()) < length_B[:, None]
    masked_BL = present_BL & (rng.random(present_BL.shape) < share)
    return as_batch(
        gene_BL * present_BL,
        present_BL.astype(np.float32),
        masked_BL,
        torch.from_numpy(present_BL),
    )


def draws(length_B: np.ndarray, share: float, rng: np.random.Generator) -> Batch:
    """scGPT's and scFoundation's: a draw of genes, expressed ones up to a share, before the others."""
    expressed_B = np.minimum(length_B, round(EXPRESSED * N_TOKENS))
    gene_BL = np.stack([rng.permutation(N_GENES)[:N_TOKENS] for _ in length_B])
    value_BL = (
        rng.integers(1, 51, gene_BL.shape)
        / 51
        * (np.arange(N_TOKENS) < expressed_B[:, None])
    ).astype("f4")
    return as_batch(gene_BL, value_BL, rng.random(gene_BL.shape) < share)


def as_batch(
    gene: np.ndarray,
    value: np.ndarray,
    masked: np.ndarray,
    present: torch.Tensor | None = None,
) -> Batch:
    """Tensors; no graphs."""
    n = len(gene)
    tensors = map(torch.from_numpy, (gene, value, masked))
    return Batch(
        *tensors, np.zeros(n, int), torch.zeros(n, 0), present, torch.full((n,), 3.0)
    )


def padded(model: Any) -> Arm:
    """The model with its layers in nn.TransformerEncoder, same weights, on the padded batch."""
    layers = model.get_submodule(model.stack)
    bert = hasattr(layers[0], "attention")
    settings = model.model.config if bert else layers[0]
    heads = settings.num_attention_heads if bert else settings.n_heads
    hidden = settings.intermediate_size if bert else settings.linear1.out_features
    norm_first, epsilon = (False, 1e-12) if bert else (settings.norm_first, 1e-5)
    layer = nn.TransformerEncoderLayer(
        model.width,
        heads,
        hidden,
        0.0,
        F.relu,
        epsilon,
        batch_first=True,
        norm_first=norm_first,
    )
    encoder = nn.TransformerEncoder(
        layer, len(layers), enable_nested_tensor=not norm_first
    )
    for theirs, own in zip(encoder.layers, layers, strict=True):
        state = own.state_dict()
        if bert:
            weights = {
                f"{b}.{kind}": state[f"{a}.{kind}"]
                for a, b in BERT.items()
                for kind in ("weight", "bias")
            }
            for kind in ("weight", "bias"):
                parts = [
                    state[f"attention.self.{part}.{kind}"]
                    for part in ("query", "key", "value")
                ]
                weights[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
        else:
            names = layer_names(own, "", "")
            weights = {
                theirs_name[1:]: state[ours[1:]] for ours, theirs_name in names.items()
            }
        theirs.load_state_dict(weights)
    parent, _, name = model.stack.rpartition(".")
    setattr(model.get_submodule(parent), name, nn.ModuleList([Whole(encoder)]))
    module = geneformer if bert else scfoundation
    return model, lambda: mock.patch.object(
        module, "run_layers", lambda stack, h, present: stack[0](h, present)
    )


class Whole(nn.Module):
    """An encoder of all layers; `present` says which tokens are no padding."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self, h_BTD: torch.Tensor, present: torch.Tensor | None = None, *_: Any
    ) -> torch.Tensor:
        """(B, T, D)."""
        return self.encoder(
            h_BTD, src_key_padding_mask=None if present is None else ~present
        )


def loss_of(model: Any, batch: Batch) -> torch.Tensor:
    """Of the masked tokens."""
    if isinstance(model, tuple(ORIGINALS.values())):
        return model(batch)
    # ours as in training: the last layer and the decoder for the tokens that are read
    whole = isinstance(model.get_submodule(model.stack)[0], Whole)
    place_BW = None if whole else model.read_places(batch)
    h_BTD = model.encode(batch, False, place_BW)
    if place_BW is not None:
        n_tokens = model.n_cell_tokens + batch.gene_BL.shape[1]
        h_BTD = put_at_places(h_BTD, place_BW, n_tokens)
    if model.objective == "masked_gene":
        return F.cross_entropy(
            model.gene_logits(h_BTD[batch.masked_BL]), batch.gene_BL[batch.masked_BL]
        )
    wanted_BL = None if whole else batch.masked_BL
    told = (
        model.reconstruct(h_BTD, batch, wanted_BL),
        model.reconstruct_from_cell(
            model.cell_embedding(h_BTD, batch), batch, wanted_BL
        ),
    )
    return sum(
        F.mse_loss(x[batch.masked_BL] if whole else x, batch.value_BL[batch.masked_BL])
        for x in told
        if x is not None
    )  # type: ignore[return-value]


def measure(
    models: dict[str, Arm], batch: Batch
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Losses, and CPU seconds of the steps after the first, by model."""
    loss: dict[str, list[float]] = {name: [] for name in models}
    cost: dict[str, list[float]] = {name: [] for name in models}
    optimisers = {
        name: torch.optim.AdamW(
            [p for p in model.parameters() if p.requires_grad], lr=1e-4
        )
        for name, (model, _) in models.items()
    }
    for step in range(STEPS + 1):
        for name, (model, context) in models.items():
            model.train()
            with context():
                start = time.process_time()
                optimisers[name].zero_grad()
                value = loss_of(model, batch)
                value.backward()
                optimisers[name].step()
            loss[name].append(float(value.detach()))
            if step:
                cost[name].append(time.process_time() - start)
    return loss, cost


def add_original(
    table: Table,
    size: dict[str, Any],
    backbone: str,
    given: str,
    changed: dict[str, Any],
) -> None:
    """A step of the original's own module, where the variable `given` names a checkout of it."""
    if given not in os.environ:
        say(f"the original of {backbone} was not run: {given}=<checkout>")
        return
    torch.manual_seed(1)
    architecture = size["backbones"][backbone] | changed
    original = ORIGINALS[backbone](Path(os.environ[given]), N_GENES, architecture)
    ours = original.ours(architecture)
    rng = np.random.default_rng(1)
    median, deviation = LENGTHS["the demo's cells"]
    length_B = rng.normal(np.log(median), deviation, size["batch_size"])
    batch = draws(np.exp(length_B).astype(int), MASKED[backbone], rng)
    what = f"{backbone} as published, tiny, {size['batch_size']} cells"
    models: dict[str, Arm] = {
        "ours": (ours, nullcontext),
        "theirs": (original, nullcontext),
    }
    add_rows(table, what, models, batch, ", against the original's module")


if __name__ == "__main__":
    main()
