"""What a model knows before its first step: each gene's mean or share, and which genes go together."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from grnformer.model.moments import gene_fractions
from grnformer.model.start import start_model

N = 20
OWN = {
    "scgpt": {
        "n_bins": 10,
        "hidden": 32,
        "norm_first": True,
        "bilinear": True,
        "original": False,
    }
    | {"masked_attention": False},
    "geneformer": {
        "hidden": 32,
        "positions": 16,
        "cell_tokens": False,
        "bert_masks": False,
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


@pytest.fixture
def values():
    """Value tokens of cells: genes 0-9 rise together, and 10-19; the larger its number, the rarer a gene."""
    rng = np.random.default_rng(0)
    programme = np.repeat(rng.random((300, 2)), 10, axis=1)
    seen = rng.random((300, N)) < np.linspace(0.9, 0.3, N)
    return sp.csr_matrix((programme + 0.05 * rng.random((300, N))) * seen)


def started(kind, values, seen=True, **changes):
    own = (
        {"name": kind, "width": 16, "n_layers": 2, "n_heads": 2, "dropout": 0.0}
        | OWN[kind]
        | changes
    )
    gnn = {
        "name": "sage",
        "width": 8,
        "n_layers": 1,
        "n_heads": 2,
        "fanout": 5,
        "fusion": "sum",
    }
    arguments = {
        "backbone": own,
        "adapter": None,
        "gnn": gnn,
        "scales": [],
        "n_tokens": 8,
    }
    genes = pd.DataFrame({"gene": [f"G{i}" for i in range(N)], "token": range(N)})
    moments = np.full(N, 0.3), np.full(N, 0.5)
    return start_model(
        genes,
        arguments,
        *moments,
        1,
        published=None,
        seen=(lambda: values) if seen else None,
    ).eval()


@pytest.mark.parametrize("kind", OWN)
def test_genes_of_one_programme_start_alike(values, kind):
    def gap(seen):
        with torch.no_grad():
            embedding = started(kind, values, seen).backbone.gene_embedding()
        likeness = torch.nn.functional.cosine_similarity(
            embedding[:, None], embedding[None], dim=-1
        )
        same = torch.arange(N)[:, None] // 10 == torch.arange(N) // 10
        return (
            likeness[same & ~torch.eye(N, dtype=torch.bool)].mean()
            - likeness[~same].mean()
        ).item()

    assert gap(seen=True) > gap(seen=False) + 0.05


@pytest.mark.parametrize("original", [False, True])
def test_scfoundation_starts_at_the_mean_of_each_gene_unless_as_published(
    values, batch, original
):
    model = started("scfoundation", values, original=original)
    whole = dataclasses.replace(batch, depth_B=torch.full((6,), 3.0))
    with torch.no_grad():
        told = model.predict(model(whole, None, np.random.default_rng(0)), whole)
    assert (told.abs().max() == 0) == (not original)


def test_geneformer_starts_at_the_shares_of_genes(values):
    shares = gene_fractions([(values, np.zeros(300, int))], 1)[-1]
    states = torch.randn(50, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        told = torch.log_softmax(
            started("geneformer", values).backbone.gene_logits(states), -1
        )
        blind = torch.log_softmax(
            started("geneformer", values, seen=False).backbone.gene_logits(states), -1
        )
    expected = torch.from_numpy(np.log(shares)).float()
    assert (told - expected).abs().mean() < 0.1
    assert (blind - expected).abs().mean() > 0.2
