"""Small random structures and batches."""

import numpy as np
import pytest
import torch

from grnformer.model.grnformer import Batch, GRNFormer
from grnformer.model.structure import EdgeList, Structure

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


@pytest.fixture
def make_model():
    def make(adapter=True, position="after", n_layers=2, **changes):
        torch.manual_seed(0)
        backbone = {"name": "scgpt", "n_bins": 10, "width": 16, "n_layers": n_layers, "n_heads": 2, "hidden": 32}
        backbone |= {"dropout": 0.0, "norm_first": True, "bilinear": True} | changes
        gnn = {"width": 8, "n_layers": 2, "fanout": 100}
        chosen = {"n_heads": 2, "position": position} if adapter else None
        moments = np.full(N, 0.3), np.full(N, 0.5)
        return GRNFormer(N, backbone, chosen, gnn, ["cell_type", "cell"], L, *moments).eval()

    return make
