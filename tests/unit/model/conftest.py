"""Small random structures and batches."""

import dataclasses

import numpy as np
import pytest
import torch

from grnformer.graph.structure import EdgeList, Structure
from grnformer.model.grnformer import Batch, GRNFormer

N, K, B, L = 20, 5, 6, 8


def edges_of(rng, count, gates=None):
    source, target = rng.integers(5, size=count), rng.integers(N, size=count)
    weight = (rng.random(count) + 0.1).astype(np.float32) * rng.choice([-1, 1], count).astype(np.float32)
    return EdgeList(source, target, weight, np.full(count, -1) if gates is None else rng.integers(gates, size=count))


@pytest.fixture
def structure():
    rng = np.random.default_rng(0)
    return Structure(N, ["A", "B"], [edges_of(rng, 30), edges_of(rng, 25)], edges_of(rng, 40, K), K)


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    genes = np.stack([rng.permutation(N)[:L] for _ in range(B)])
    values = rng.random((B, L)).astype(np.float32) * (rng.random((B, L)) < 0.7)
    masked = np.zeros((B, L), bool)
    masked[:, :3] = True
    active = (rng.random((B, K)) < 0.5).astype(np.float32)
    return Batch(*map(torch.from_numpy, (genes, values, masked)), rng.integers(2, size=B), torch.from_numpy(active))


SMALL = {
    "scgpt": {"n_bins": 10, "hidden": 32, "norm_first": True, "bilinear": True, "original": False}
    | {"masked_attention": False},
    "scgpt_original": {"n_bins": 10, "hidden": 32, "norm_first": False, "bilinear": False, "original": True}
    | {"masked_attention": True},
    "geneformer": {"hidden": 32, "positions": 16, "cell_tokens": False, "bert_masks": False},
    "geneformer_v2": {"hidden": 32, "positions": 16, "cell_tokens": True, "bert_masks": True},
    "scfoundation": {"n_bins": 6, "bin_alpha": 1.0, "decoder_width": 8, "decoder_layers": 1, "decoder_heads": 2}
    | {"original": False, "part": "cell"},
}
KINDS = sorted(SMALL)


@pytest.fixture
def make_model():
    def make(adapter=True, position="after", n_layers=2, kind="scgpt", n_genes=N, gnn="sage", fusion="sum", **changes):
        torch.manual_seed(0)
        backbone = {"name": kind.split("_")[0], "width": 16, "n_layers": n_layers, "n_heads": 2, "dropout": 0.0}
        backbone |= SMALL[kind] | changes
        graph = {"name": gnn, "width": 8, "n_layers": 2, "n_heads": 2, "fanout": 100, "fusion": fusion}
        chosen = {"n_heads": 2, "position": position} if adapter else None
        moments = np.full(n_genes, 0.3), np.full(n_genes, 0.5)
        return GRNFormer(n_genes, backbone, chosen, graph, ["cell_type", "cell"], L, *moments).eval()

    return make


@pytest.fixture
def make_batch(batch):
    """A batch as the backbone's tokeniser makes it: padded and ranked for geneformer, with depth for scfoundation."""

    def make(kind):
        if kind.startswith("geneformer"):
            present = torch.arange(L) < torch.tensor([8, 5, 8, 7, 6, 8])[:, None]
            value = torch.linspace(1, 0.1, L).expand(B, L) * present
            gene = batch.gene_BL * present
            return dataclasses.replace(
                batch, gene_BL=gene, value_BL=value.float(), masked_BL=batch.masked_BL & present, present_BL=present
            )
        if kind == "scfoundation":
            return dataclasses.replace(batch, depth_B=torch.linspace(2.5, 4, B))
        return batch

    return make
