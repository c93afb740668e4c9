"""Tokens/s of a training step against the same model with nn.TransformerEncoder, batches padded to their longest cell.

Geneformer at the size tiny with its 2,048 ranks: a cell has as many tokens as expressed genes. Same weights, cells and
masks; a step is loss, gradient and AdamW. Steps of the two take turns, in one process held to one core.
"""

import copy
import time
from typing import Any

import numpy as np
import torch
import yaml
from harness import HERE
from table import Table, say
from torch import nn
from torch.nn import functional as F

from grnformer.model.backbones import BACKBONES
from grnformer.model.batch import Batch

LENGTHS = {"the demo's cells": (382, 0.45), "10x-like cells": (1_200, 0.5)}  # median and sd of log of expressed genes
N_GENES, N_TOKENS, N_CELLS, MASKED, STEPS, DECIMALS = 3_000, 2_048, 16, 0.15, 3, 1e-5
MAPPED = {
    "attention.output.dense": "self_attn.out_proj", "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1", "output.dense": "linear2", "output.LayerNorm": "norm2",
}  # fmt: skip


def main() -> None:
    """Run both on both kinds of cells, write benchmarks/results/train.tsv."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    settings = yaml.safe_load((HERE.parent / "config/config.yaml").read_text())["pretrain"]["sizes"]["tiny"]
    architecture = settings["backbones"]["geneformer"]
    ours = BACKBONES["geneformer"](n_genes=N_GENES, **architecture)
    table = Table("train")
    for name, (median, deviation) in LENGTHS.items():
        batch = draw_batch(median, deviation, np.random.default_rng(1))
        assert batch.present_BL is not None
        models = {"ours": copy.deepcopy(ours), "padded": as_encoder(copy.deepcopy(ours), architecture)}
        loss, cost = measure(models, batch)
        tokens = int(batch.present_BL.sum())
        say(f"{name}: {tokens} tokens, {batch.present_BL.numel()} with padding, losses {loss}, CPU s {cost}")
        speed = {key: tokens / np.median(values) for key, values in cost.items()}
        what = f"geneformer tiny, {N_CELLS} {name}"
        table.add_cost(f"{what}: CPU of a step", "s", np.median(cost["ours"]), np.median(cost["padded"]), 2)
        table.add_score(f"{what}: tokens of a CPU second", "1/s", speed["ours"], speed["padded"])
        table.add_figure(f"{what}: tokens with padding, of those without", "ratio", batch.present_BL.numel() / tokens)
        apart = np.abs(np.array(loss["ours"]) - np.array(loss["padded"])).max()
        table.add_bound(f"{what}: loss, greatest difference of {STEPS + 1} steps", "nats", float(apart), DECIMALS)
    table.write()


def draw_batch(median: float, deviation: float, rng: np.random.Generator) -> Batch:
    """Cells with a log-normal number of expressed genes, in random order of rank, some masked."""
    length_B = np.clip(np.exp(rng.normal(np.log(median), deviation, N_CELLS)), 50, N_TOKENS).astype(int)
    gene_BL = np.stack([rng.permutation(N_GENES)[: length_B.max()] for _ in range(N_CELLS)])
    present_BL = np.arange(length_B.max()) < length_B[:, None]
    masked_BL = present_BL & (rng.random(present_BL.shape) < MASKED)
    gene, value, masked, present = map(
        torch.from_numpy, (gene_BL * present_BL, present_BL.astype(np.float32), masked_BL, present_BL)
    )
    return Batch(gene, value, masked, np.zeros(N_CELLS, int), torch.zeros(N_CELLS, 0), present)


def as_encoder(model: Any, architecture: dict[str, Any]) -> Any:
    """The model with its layers in nn.TransformerEncoder, same weights, run on the padded batch."""
    layer = nn.TransformerEncoderLayer(
        model.width, architecture["n_heads"], architecture["hidden"], architecture["dropout"], F.relu, 1e-12,
        batch_first=True,
    )  # fmt: skip
    encoder = nn.TransformerEncoder(layer, architecture["n_layers"])
    for theirs, own in zip(encoder.layers, model.model.bert.encoder.layer, strict=True):
        state = own.state_dict()
        weights = {f"{b}.{kind}": state[f"{a}.{kind}"] for a, b in MAPPED.items() for kind in ("weight", "bias")}
        for kind in ("weight", "bias"):
            parts = [state[f"attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            weights[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
        theirs.load_state_dict(weights)
    model.model.bert.encoder = encoder

    def encode(batch: Batch, drop_last: bool) -> torch.Tensor:
        from grnformer.model.backbones.geneformer import MASK, PAD

        entry_BL = model.entries(batch.gene_BL).masked_fill(batch.masked_BL, MASK).masked_fill(~batch.present_BL, PAD)
        place_BL = torch.arange(entry_BL.shape[1]).expand_as(entry_BL)
        h_BLD = model.model.bert.embeddings(input_ids=entry_BL, position_ids=place_BL)
        return encoder(h_BLD, src_key_padding_mask=~batch.present_BL)

    model.encode = encode
    return model


def measure(models: dict[str, Any], batch: Batch) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Losses, and CPU seconds of the steps after the first, by model."""
    loss: dict[str, list[float]] = {name: [] for name in models}
    cost: dict[str, list[float]] = {name: [] for name in models}
    optimisers = {name: torch.optim.AdamW(model.parameters(), lr=1e-4) for name, model in models.items()}
    target = batch.gene_BL[batch.masked_BL]
    for step in range(STEPS + 1):
        for name, model in models.items():
            model.train()
            start = time.process_time()
            optimisers[name].zero_grad()
            logits = model.gene_logits(model.encode(batch, drop_last=False)[batch.masked_BL])
            value = F.cross_entropy(logits, target)
            value.backward()
            optimisers[name].step()
            loss[name].append(float(value.detach()))
            if step:
                cost[name].append(time.process_time() - start)
    return loss, cost


if __name__ == "__main__":
    main()
