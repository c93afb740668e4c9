"""The adapter leaves an untrained backbone as it is, masked values stay hidden, information reaches the decoder."""

import dataclasses

import numpy as np
import pytest
import torch

from grnformer.errors import InputError
from grnformer.model.grnformer import Perturbation
from grnformer.model.saved import load_model, save_model


def rng():
    return np.random.default_rng(0)


def loss_of(model, batch, structure):
    h_BTD = model(batch, structure, rng())
    predicted = model.backbone.reconstruct(h_BTD, batch.gene_BL)
    return torch.mean((predicted - model.target(batch))[batch.masked_BL] ** 2)


@pytest.mark.parametrize("norm_first", [True, False])
def test_untrained_adapter_is_the_backbone_exactly(make_model, batch, structure, norm_first):
    with_adapter, alone = make_model(norm_first=norm_first), make_model(adapter=False, norm_first=norm_first)
    alone.load_state_dict({k: v for k, v in with_adapter.state_dict().items() if k in alone.state_dict()})
    assert torch.equal(with_adapter(batch, structure, rng()), alone(batch, None, rng()))


def test_adapter_in_place_of_the_last_layer_is_the_backbone_less_one_layer(make_model, batch, structure):
    with_adapter, shorter = make_model(position="replace_last", n_layers=2), make_model(adapter=False, n_layers=1)
    shorter.load_state_dict({k: v for k, v in with_adapter.state_dict().items() if k in shorter.state_dict()})
    assert torch.equal(with_adapter(batch, structure, rng()), shorter(batch, None, rng()))


def test_masked_values_change_no_prediction_even_with_graphs_and_perturbation(make_model, batch, structure):
    model = make_model()
    with torch.no_grad():
        model.adapter.beta.fill_(1.0)
    perturbation = Perturbation("coexpression", 0.5)
    before = model(batch, structure, rng(), perturbation)
    hidden = torch.where(batch.masked_BL, 1.0 - batch.value_BL, batch.value_BL)
    after = model(dataclasses.replace(batch, value_BL=hidden), structure, rng(), perturbation)
    assert torch.equal(before, after)
    seen = torch.where(batch.masked_BL, batch.value_BL, 1.0 - batch.value_BL)
    assert not torch.equal(before, model(dataclasses.replace(batch, value_BL=seen), structure, rng(), perturbation))


def test_a_regulators_value_reaches_its_target_through_the_graph(make_model, batch, structure):
    model = make_model()
    graphless = dataclasses.replace(
        structure, type_edges=[e.take(np.empty(0, int)) for e in structure.type_edges], cell_edges=None
    )
    graphless = dataclasses.replace(graphless, cell_edges=structure.cell_edges.take(np.empty(0, int)))
    linked = model.structure_embeddings(batch, structure, rng(), Perturbation("none", 0))
    alone = model.structure_embeddings(batch, graphless, rng(), Perturbation("none", 0))
    targets = np.unique(np.concatenate([e.target for e in structure.type_edges]))
    is_target = torch.from_numpy(np.isin(batch.gene_BL.numpy(), targets))
    assert ((linked - alone).abs().amax(-1)[is_target] > 1e-6).float().mean() > 0.5


def test_beta_moves_first_and_then_the_graph_encoder_learns(make_model, batch, structure):
    model = make_model().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    encoder = [p for p in model.encoders.parameters() if p.requires_grad]
    with torch.no_grad():
        model.backbone.gene_query.weight.normal_()
    loss_of(model, batch, structure).backward()
    assert model.adapter.beta.grad.abs() > 0
    assert all(p.grad is None or not p.grad.any() for p in encoder)
    optimizer.step()
    optimizer.zero_grad()
    loss_of(model, batch, structure).backward()
    assert model.adapter.beta.abs() > 0
    for scale in ("cell_type", "cell"):
        assert model.encoders[scale].layers[-1].neighbours.weight.grad.abs().sum() > 0
        assert model.encoders[scale].features.value.weight.grad.abs().sum() > 0


def test_sparse_encoder_equals_its_definition_on_a_dense_matrix(make_model, batch, structure):
    """One layer, one scale, one type: relu(norm(W_self x + W_neigh A x)) with A dense and row-normalised."""
    model = make_model()
    encoder = model.encoders["cell_type"]
    encoder.layers = encoder.layers[:1]
    model.encoders = torch.nn.ModuleDict({"cell_type": encoder})
    one = dataclasses.replace(batch, type_B=np.zeros(6, int))
    got = model.structure_embeddings(one, structure, rng(), Perturbation("none", 0))
    edges, n = structure.type_edges[0], structure.n_genes
    dense, norm = np.zeros((n, n), np.float32), np.zeros(n)
    np.add.at(dense, (edges.target, edges.source), edges.weight)
    np.add.at(norm, edges.target, np.abs(edges.weight))
    dense = torch.from_numpy((dense / np.maximum(norm, 1e-12)[:, None]).astype(np.float32))
    value_NB, state_NB = model._seen(one)
    x_NBS = encoder.features(model.backbone.gene_embedding()[:, None], value_NB, state_NB)
    h_NBS = encoder.layers[0](x_NBS, torch.einsum("ij,jbs->ibs", dense, x_NBS))
    torch.testing.assert_close(got, h_NBS[one.gene_BL, torch.arange(6)[:, None]], rtol=1e-4, atol=1e-5)


def test_model_survives_the_disk_and_foreign_weights_are_refused(make_model, batch, structure, tmp_path):
    model = make_model()
    arguments = {
        "backbone": {"name": "scgpt", "n_bins": 10, "width": 16, "n_layers": 2, "n_heads": 2, "hidden": 32}
        | {"dropout": 0.0, "norm_first": True, "bilinear": True},
        "adapter": {"n_heads": 2, "position": "after"},
        "gnn": {"width": 8, "n_layers": 2, "fanout": 100},
        "scales": ["cell_type", "cell"],
        "n_tokens": 8,
    }
    card = {"arguments": arguments, "arm": {}, "cell_types": [], "data": "", "embed": {}, "seed": 1, "size": "tiny"}
    card |= {"genes": [f"G{i}" for i in range(20)], "steps": 1, "tokens": list(range(20)), "version": "0"}
    save_model(model, card, tmp_path / "model.safetensors", tmp_path / "model.json")
    back, _ = load_model(tmp_path)
    assert torch.equal(model(batch, structure, rng()), back(batch, structure, rng()))
    save_model(make_model(n_layers=1), card, tmp_path / "model.safetensors", tmp_path / "model.json")
    with pytest.raises(InputError, match="Missing key"):
        load_model(tmp_path)
