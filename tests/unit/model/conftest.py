"""Small models, and batches as their tokenisers make them."""

import dataclasses

import numpy as np
import pytest
import torch

from grnformer.model.grnformer import GRNFormer

N, B, L = 20, 6, 8


SMALL = {
    "scgpt": {
        "n_bins": 10,
        "hidden": 32,
        "norm_first": True,
        "bilinear": True,
        "original": False,
    }
    | {"masked_attention": False},
    "scgpt_original": {
        "n_bins": 10,
        "hidden": 32,
        "norm_first": False,
        "bilinear": False,
        "original": True,
    }
    | {"masked_attention": True},
    "geneformer": {
        "hidden": 32,
        "positions": 16,
        "cell_tokens": False,
        "bert_masks": False,
    },
    "geneformer_v2": {
        "hidden": 32,
        "positions": 16,
        "cell_tokens": True,
        "bert_masks": True,
    },
    "scfoundation": {
        "n_bins": 6,
        "bin_alpha": 1.0,
        "decoder_width": 8,
        "decoder_layers": 1,
        "decoder_heads": 2,
    }
    | {"original": False, "part": "cell"},
}
KINDS = sorted(SMALL)


@pytest.fixture
def make_model():
    def make(
        adapter=True,
        position="after",
        n_layers=2,
        kind="scgpt",
        n_genes=N,
        gnn="sage",
        fusion="sum",
        scales=("cell_type", "cell"),
        **changes,
    ):
        torch.manual_seed(0)
        backbone = {
            "name": kind.split("_")[0],
            "width": 16,
            "n_layers": n_layers,
            "n_heads": 2,
            "dropout": 0.0,
        }
        backbone |= SMALL[kind] | changes
        graph = {
            "name": gnn,
            "width": 8,
            "n_layers": 2,
            "n_heads": 2,
            "fanout": 100,
            "fusion": fusion,
        }
        chosen = {"n_heads": 2, "position": position} if adapter else None
        moments = np.full(n_genes, 0.3), np.full(n_genes, 0.5)
        return GRNFormer(
            n_genes, backbone, chosen, graph, list(scales), L, *moments
        ).eval()

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
                batch,
                gene_BL=gene,
                value_BL=value.float(),
                masked_BL=batch.masked_BL & present,
                present_BL=present,
            )
        if kind == "scfoundation":
            return dataclasses.replace(batch, depth_B=torch.linspace(2.5, 4, B))
        return batch

    return make
