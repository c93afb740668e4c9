"""The adapter leaves an untrained backbone as it is, masked values stay hidden, information reaches the decoder."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from grnformer.core.errors import InputError
from grnformer.data.batch import Batch
from grnformer.graph.perturb import NO_PERTURBATION, Perturbation
from grnformer.graph.structure import make_edges
from grnformer.model.adapter import CrossAttentionAdapter
from grnformer.model.saved import load_model, save_model


def rng():
    return np.random.default_rng(0)


def loss_of(model, batch, structure):
    h_BTD = model(batch, structure, rng())
    predicted = model.predict(h_BTD, batch)
    return torch.mean((predicted - model.target(batch))[batch.masked_BL] ** 2)


KINDS = ["geneformer", "geneformer_v2", "scfoundation", "scgpt", "scgpt_original"]


@pytest.mark.parametrize("kind", KINDS)
def test_untrained_adapter_is_the_backbone_exactly(
    make_model, make_batch, structure, kind
):
    with_adapter, alone, batch = (
        make_model(kind=kind),
        make_model(adapter=False, kind=kind),
        make_batch(kind),
    )
    alone.load_state_dict(
        {k: v for k, v in with_adapter.state_dict().items() if k in alone.state_dict()}
    )
    h_BTD = with_adapter(batch, structure, rng())
    assert torch.equal(h_BTD, alone(batch, None, rng()))
    with torch.no_grad():
        with_adapter.adapter.beta.fill_(1.0)
    assert not torch.equal(with_adapter(batch, structure, rng()), h_BTD)


@pytest.mark.parametrize("kind", KINDS)
def test_backbones_say_how_many_tokens_stand_before_the_genes(
    make_model, make_batch, structure, kind
):
    model, batch = make_model(kind=kind), make_batch(kind)
    n_tokens = model(batch, structure, rng()).shape[1]
    assert model.backbone.n_cell_tokens == n_tokens - batch.gene_BL.shape[1]


@pytest.mark.parametrize("kind", KINDS)
def test_adapter_in_place_of_the_last_layer_is_the_backbone_less_one_layer(
    make_model, make_batch, structure, kind
):
    batch, with_adapter = (
        make_batch(kind),
        make_model(position="replace_last", n_layers=2, kind=kind),
    )
    shorter = make_model(adapter=False, n_layers=1, kind=kind)
    shorter.load_state_dict(
        {
            k: v
            for k, v in with_adapter.state_dict().items()
            if k in shorter.state_dict()
        }
    )
    assert torch.equal(
        with_adapter(batch, structure, rng()), shorter(batch, None, rng())
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_masked_changes_no_prediction_even_with_graphs_and_perturbation(
    make_model, make_batch, structure, kind
):
    model, batch = make_model(kind=kind), make_batch(kind)
    with torch.no_grad():
        model.adapter.beta.fill_(1.0)
        if kind.startswith("scgpt_"):
            model.backbone.gene.weight.normal_()
        if model.masks_genes:
            model.candidates.beta.fill_(1.0)
    perturbation = Perturbation("coexpression", 0.5, 0.0)

    def outcome(changed):
        h_BTD, structure_BNS = model.run(changed, structure, rng(), perturbation)
        if model.masks_genes:
            return model.gene_logits(h_BTD, changed, structure_BNS)
        return torch.cat([h_BTD.flatten(1), model.predict(h_BTD, changed)], dim=1)

    before = outcome(batch)
    hidden = torch.where(batch.masked_BL, 1.0 - batch.value_BL, batch.value_BL)
    changed = dataclasses.replace(batch, value_BL=hidden)
    if model.masks_genes:
        changed = dataclasses.replace(
            changed,
            gene_BL=torch.where(batch.masked_BL, 19 - batch.gene_BL, batch.gene_BL),
        )
    assert torch.equal(before, outcome(changed))
    if model.masks_genes:
        gene = torch.where(batch.masked_BL, batch.gene_BL, 19 - batch.gene_BL)
        assert not torch.equal(
            before, outcome(dataclasses.replace(batch, gene_BL=gene))
        )
    else:
        seen = torch.where(batch.masked_BL, batch.value_BL, 1.0 - batch.value_BL)
        assert not torch.equal(
            before, outcome(dataclasses.replace(batch, value_BL=seen))
        )


@pytest.mark.parametrize("position", ["none", "after", "replace_last"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_states_that_the_loss_reads_give_the_loss_and_gradients_of_all_states(
    make_model, make_batch, structure, kind, position
):
    adapter = {"adapter": False} if position == "none" else {"position": position}
    model, batch = make_model(kind=kind, **adapter).train(), make_batch(kind)
    # a cell with more masked tokens than the others, and one without any
    masked_BL = batch.masked_BL.clone()
    masked_BL[0], masked_BL[1] = ~masked_BL[0], False
    if batch.present_BL is not None:
        masked_BL &= batch.present_BL
    batch = dataclasses.replace(batch, masked_BL=masked_BL)
    edges = None if position == "none" else structure
    if edges is not None:
        with torch.no_grad():
            model.adapter.beta.fill_(1.0)

    def trained(**which):
        model.zero_grad()
        torch.manual_seed(3)
        perturbation = Perturbation("coexpression", 0.5, 0.0)
        h_BTD, structure_BNS = model.run(batch, edges, rng(), perturbation, **which)
        losses = [x for x in model.losses(h_BTD, batch, structure_BNS) if x is not None]
        torch.cat(losses).sum().backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        return torch.cat([*losses, *map(torch.flatten, gradients)]).detach()

    torch.testing.assert_close(trained(for_loss=True), trained(), rtol=1e-4, atol=1e-5)


def test_the_adapter_gives_some_tokens_the_states_that_all_would_have():
    torch.manual_seed(1)
    adapter = CrossAttentionAdapter(8, 4, 2, n_tokens=6).double()
    h_BTD = torch.randn(2, 7, 8, dtype=torch.float64)
    structure_BLS = torch.randn(2, 6, 4, dtype=torch.float64)
    known_BL = torch.ones(2, 6, dtype=torch.bool)
    known_BL[0, 2], known_BL[1] = False, False
    place_BW = torch.tensor([[0, 3, 6], [1, 2, 4]])
    some_BWD = h_BTD.gather(1, place_BW[:, :, None].expand(-1, -1, 8))
    for gradients in (True, False):
        with torch.set_grad_enabled(gradients):
            whole = adapter.fuse(h_BTD, structure_BLS, known_BL)
            some = adapter.fuse(some_BWD, structure_BLS, known_BL, place_BW - 1)
        expected = whole.gather(1, place_BW[:, :, None].expand(-1, -1, 8))
        torch.testing.assert_close(some, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_that_is_trained_has_a_part_in_the_loss(
    make_model, make_batch, structure, kind
):
    model, batch = make_model(kind=kind).train(), make_batch(kind)
    h_BTD, structure_BNS = model.run(batch, structure, rng())
    parts = [
        part.mean()
        for part in model.losses(h_BTD, batch, structure_BNS)
        if part is not None
    ]
    torch.stack(parts).sum().backward()
    assert [
        name
        for name, p in model.named_parameters()
        if p.requires_grad and p.grad is None
    ] == []


@pytest.mark.parametrize("kind", ["geneformer", "geneformer_v2"])
def test_padding_changes_nothing(make_model, make_batch, structure, kind):
    model, batch = make_model(kind=kind), make_batch(kind)
    with torch.no_grad():
        model.adapter.beta.fill_(1.0)
    row = slice(1, 2)  # of 5 tokens
    active, types = batch.active_BK[row], batch.type_B[row]
    tokens = (batch.gene_BL, batch.value_BL, batch.masked_BL)
    short = Batch(*(x[row, :5] for x in tokens), types, active)
    longer = Batch(*(x[row] for x in tokens), types, active, batch.present_BL[row])
    states = [model(b, structure, rng()) for b in (short, longer)]
    torch.testing.assert_close(states[1][:, : states[0].shape[1]], states[0])
    embedded = [
        model.backbone.cell_embedding(h, b)
        for h, b in zip(states, (short, longer), strict=True)
    ]
    torch.testing.assert_close(*embedded)


def test_a_regulators_value_reaches_its_target_through_the_graph(
    make_model, batch, structure
):
    model = make_model()
    graphless = {
        scale: [edges[:0] for edges in arrays] for scale, arrays in structure.items()
    }
    linked = model.structure_embeddings(batch, structure, rng(), NO_PERTURBATION)
    alone = model.structure_embeddings(batch, graphless, rng(), NO_PERTURBATION)
    targets = np.unique(
        np.concatenate([edges["target"] for edges in structure["cell_type"]])
    )
    is_target = torch.from_numpy(np.isin(batch.gene_BL.numpy(), targets))
    assert ((linked - alone).abs().amax(-1)[is_target] > 1e-6).float().mean() > 0.5


@pytest.mark.parametrize("kind", ["geneformer", "geneformer_v2"])
def test_the_structure_of_a_masked_gene_reaches_its_logit(
    make_model, make_batch, structure, kind
):
    model, batch = make_model(kind=kind), make_batch(kind)
    types = [make_edges(batch.gene_BL[b, 4:5].numpy(), [17], [1.0]) for b in (0, 1)]
    linked = {"cell_type": types, "cell": [structure["cell"][0][:0]]}
    one = dataclasses.replace(batch, type_B=np.zeros(6, int))
    changed = dataclasses.replace(
        one, value_BL=one.value_BL + 0.5 * (one.gene_BL == one.gene_BL[0, 4])
    )
    # the masked tokens of the first cell
    first = slice(0, int(batch.masked_BL[0].sum()))

    def logits(given):
        h_BTD, structure_BNS = model.run(given, linked, rng())
        assert structure_BNS.shape == (6, 20, 8)
        return model.gene_logits(h_BTD, given, structure_BNS)[first]

    # an untrained adapter is the backbone, which sees ranks alone
    assert torch.equal(logits(one), logits(changed))
    with torch.no_grad():
        model.candidates.beta.fill_(1.0)
    moved = (logits(one) - logits(changed)).abs().amax(0) > 1e-6
    assert set(moved.nonzero().flatten().tolist()) == {17, batch.gene_BL[0, 4].item()}


def test_beta_moves_first_and_then_the_graph_encoder_learns(
    make_model, batch, structure
):
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


def test_sparse_encoder_equals_its_definition_on_a_dense_matrix(
    make_model, batch, structure
):
    """One layer, one scale, one type: relu(norm(W_self x + W_neigh A x)) with A dense and row-normalised."""
    model = make_model()
    encoder = model.encoders["cell_type"]
    encoder.layers = encoder.layers[:1]
    model.encoders = torch.nn.ModuleDict({"cell_type": encoder})
    one = dataclasses.replace(batch, type_B=np.zeros(6, int))
    got = model.structure_embeddings(one, structure, rng(), NO_PERTURBATION)
    edges, n = structure["cell_type"][0], model.n_genes
    dense, norm = np.zeros((n, n), np.float32), np.zeros(n)
    np.add.at(dense, (edges["target"], edges["source"]), edges["weight"])
    np.add.at(norm, edges["target"], np.abs(edges["weight"]))
    dense = torch.from_numpy(
        (dense / np.maximum(norm, 1e-12)[:, None]).astype(np.float32)
    )
    value_BN, state_BN = model._node_features(one)
    every_gene = torch.arange(n).repeat(6)
    x_RS = encoder.features(
        model.backbone.gene_embedding(),
        every_gene,
        value_BN.flatten(),
        state_BN.flatten(),
    )
    x_NBS = x_RS.unflatten(0, (6, n)).transpose(0, 1)
    h_NBS = encoder.layers[0](x_NBS, torch.einsum("ij,jbs->ibs", dense, x_NBS))
    torch.testing.assert_close(
        got, h_NBS[one.gene_BL, torch.arange(6)[:, None]], rtol=1e-4, atol=1e-5
    )


def test_model_survives_the_disk_and_foreign_weights_are_refused(
    make_model, batch, structure, tmp_path
):
    model = make_model()
    arguments = {
        "backbone": {
            "name": "scgpt",
            "n_bins": 10,
            "width": 16,
            "n_layers": 2,
            "n_heads": 2,
            "hidden": 32,
        }
        | {
            "dropout": 0.0,
            "norm_first": True,
            "bilinear": True,
            "original": False,
            "masked_attention": False,
        },
        "adapter": {"n_heads": 2, "position": "after"},
        "gnn": {
            "name": "sage",
            "width": 8,
            "n_layers": 2,
            "n_heads": 2,
            "fanout": 100,
            "fusion": "sum",
        },
        "scales": ["cell_type", "cell"],
        "n_tokens": 8,
    }
    card = {
        "arguments": arguments,
        "arm": {},
        "cell_types": [],
        "data": "",
        "embed": {},
        "seed": 1,
        "size": "tiny",
    }
    card |= {"checkpoint": None, "tokeniser": {}}
    card |= {
        "genes": [f"G{i}" for i in range(20)],
        "steps": 1,
        "tokens": list(range(20)),
        "version": "0",
    }
    save_model(model, card, tmp_path / "model.safetensors", tmp_path / "model.json")
    back, _ = load_model(tmp_path)
    assert torch.equal(model(batch, structure, rng()), back(batch, structure, rng()))
    save_model(
        make_model(n_layers=1),
        card,
        tmp_path / "model.safetensors",
        tmp_path / "model.json",
    )
    with pytest.raises(InputError, match="Missing key"):
        load_model(tmp_path)
    written = json.loads((tmp_path / "model.json").read_text())
    for other, said in (
        (written | {"format": 2}, "has the format 2"),
        (card, "has no format: an earlier version"),
    ):
        (tmp_path / "model.json").write_text(json.dumps(other))
        with pytest.raises(InputError, match=said):
            load_model(tmp_path)


def test_attention_weights_are_those_that_the_adapter_uses():
    torch.manual_seed(0)
    adapter = CrossAttentionAdapter(8, 6, 2, n_tokens=5)
    h_BTD, structure_BLS = torch.randn(3, 6, 8), torch.randn(3, 5, 6)
    known_BL = torch.rand(3, 5) > 0.3
    known_BL[:, 0] = True
    for known in (None, known_BL):
        weights = adapter.attention(h_BTD, structure_BLS, known)
        torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2, 6))
        value = (
            adapter.value(adapter.norm_structure(structure_BLS))
            .unflatten(-1, (2, 4))
            .transpose(1, 2)
        )
        fused = adapter.out((weights @ value).transpose(1, 2).flatten(2))
        torch.testing.assert_close(fused, adapter.fuse(h_BTD, structure_BLS, known))
    assert (weights[~known_BL[:, None, None, :].expand_as(weights)] == 0).all()


@pytest.mark.parametrize("scales", [["knowledge"], ["cell_type", "cell", "knowledge"]])
@pytest.mark.parametrize("fusion", ["sum", "gate", "concat"])
def test_knowledge_has_an_encoder_of_its_own_and_reaches_every_cell(
    make_model, batch, structure, scales, fusion
):
    """Also cells without a type or active eRegulon, whose TF network is empty."""
    torch.manual_seed(0)
    model = make_model(fusion=fusion, scales=scales)
    with torch.no_grad():
        model.adapter.beta.fill_(1.0)
    assert list(model.encoders) == scales

    alone = dataclasses.replace(
        batch,
        type_B=np.full(len(batch.type_B), -1),
        active_BK=torch.zeros_like(batch.active_BK),
    )
    linked = structure | {"knowledge": structure["cell_type"][:1]}
    empty = linked | {"knowledge": [linked["knowledge"][0][:0]]}
    change = (model(alone, linked, rng()) - model(alone, empty, rng())).abs()
    assert (change.amax((1, 2)) > 1e-6).all()

    loss_of(model, alone, linked).backward()
    gradient = model.encoders["knowledge"].features.value.weight.grad
    assert gradient.abs().sum() > 0
