"""An untrained adapter is the backbone in every combination; tuning trains what it says and nothing else."""

import numpy as np
import pytest
import torch
from torch import nn

from grnformer.core.errors import InputError
from grnformer.model.tune import merge_tuned, tune_backbone

TUNE = {"layers": 1, "rank": 2, "alpha": 4}
KINDS = ["geneformer_v2", "scfoundation", "scgpt", "scgpt_original"]
HOW = ["full", "frozen", "partly", "lora"]


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("gnn", ["sage", "gcn", "gat", "gin"])
@pytest.mark.parametrize("fusion", ["sum", "gate", "concat"])
@pytest.mark.parametrize("position", ["after", "replace_last"])
def test_untrained_adapter_is_the_backbone_whatever_the_graph_encoder(
    make_model, make_batch, structure, gnn, fusion, position
):
    """For every tuning; with the other backbones where graph layer and fusion are the plain ones."""
    plain = (gnn, fusion) == ("sage", "sum")
    for how, kind in zip(HOW, KINDS if plain else ["scgpt"] * 4, strict=True):
        model = make_model(kind=kind, gnn=gnn, fusion=fusion, position=position)
        alone, batch = (
            make_model(
                adapter=False, kind=kind, n_layers=1 if model.replaces_last else 2
            ),
            make_batch(kind),
        )
        alone.load_state_dict(
            {k: v for k, v in model.state_dict().items() if k in alone.state_dict()}
        )
        tune_backbone(model, TUNE | {"how": how})
        h_BTD = model(batch, structure, rng())
        assert torch.equal(h_BTD, alone(batch, None, rng()))
        with torch.no_grad():
            model.adapter.beta.fill_(1.0)
        assert not torch.equal(model(batch, structure, rng()), h_BTD)


def step(model, batch, structure):
    """Two steps; gives the names of the weights that moved."""
    with torch.no_grad():
        model.adapter.beta.fill_(0.5)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        h_BTD, structure_BNS = model.run(batch, structure, rng())
        parts = [
            part.mean()
            for part in model.losses(h_BTD, batch, structure_BNS)
            if part is not None
        ]
        optimiser.zero_grad()
        torch.stack(parts).sum().backward()
        optimiser.step()
    return {
        name for name, p in model.named_parameters() if not torch.equal(p, before[name])
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", ["after", "replace_last"])
def test_tuning_moves_what_it_says(make_model, make_batch, structure, kind, position):
    batch = make_batch(kind)
    moved, stack = {}, ""
    for how in HOW:
        model = make_model(kind=kind, position=position, n_layers=3).train()
        stack = f"backbone.{model.backbone.stack}."
        body = tuple(f"backbone.{part}." for part in model.backbone.body)
        tune_backbone(model, TUNE | {"how": how})
        moved[how] = step(model, batch, structure)
        assert {name for name in moved[how] if name.startswith("encoders.")}
    last = 1 if position == "replace_last" else 2  # the last layer that is used
    inside = {
        how: {n for n in names if n.startswith(body)} for how, names in moved.items()
    }
    assert inside["frozen"] == set()
    assert inside["partly"]
    assert all(name.startswith(f"{stack}{last}.") for name in inside["partly"])
    assert inside["lora"]
    assert all(name.startswith(stack) and ".lora_" in name for name in inside["lora"])
    assert {int(name[len(stack) :].split(".")[0]) for name in inside["lora"]} == set(
        range(last + 1)
    )
    assert len(inside["full"]) > len(inside["partly"])
    assert not any(name.startswith(f"{stack}{last + 1}.") for name in inside["full"])
    heads = {n for n in moved["full"] - inside["full"] if n.startswith("backbone.")}
    assert heads
    assert heads <= moved["frozen"] & moved["lora"]


@pytest.mark.parametrize("kind", KINDS)
def test_merged_low_rank_changes_give_the_same_model_in_the_plain_form(
    make_model, make_batch, structure, kind
):
    model, batch = make_model(kind=kind).train(), make_batch(kind)
    plain = make_model(kind=kind)
    tune = TUNE | {"how": "lora"}
    tune_backbone(model, tune)
    step(model, batch, structure)
    model.eval()
    tuned = model(batch, structure, rng())
    merge_tuned(model, tune)
    plain.load_state_dict(model.state_dict())
    torch.testing.assert_close(
        plain(batch, structure, rng()), tuned, rtol=1e-4, atol=1e-5
    )
    assert all(
        type(m) is nn.Linear
        for m in model.backbone.modules()
        if isinstance(m, nn.Linear)
    )


def test_more_layers_than_there_are_is_said(make_model):
    with pytest.raises(InputError, match=r"tune\.layers is 2"):
        tune_backbone(
            make_model(n_layers=2, position="replace_last"),
            TUNE | {"how": "partly", "layers": 2},
        )
