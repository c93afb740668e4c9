"""States of some tokens are those that they have among all, with their gradients and with what dropout drops."""

import copy

import pytest
import torch

from grnformer.model.backbones.layer import (
    Layer,
    at_places,
    attend,
    places_of,
    put_at_places,
)
from grnformer.model.backbones.performer import PerformerLayer

WANTED = torch.tensor([[1, 0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 0, 0, 0]]).bool()


def test_places_are_those_of_wanted_tokens_and_distinct_where_a_cell_has_fewer():
    place_BW = places_of(WANTED)
    assert place_BW.shape == (2, 4)
    assert place_BW[0].tolist() == [0, 2, 4, 6]
    assert place_BW[1, 0] == 3
    assert len(set(place_BW[1].tolist())) == 4
    x_BTD = torch.randn(2, 7, 3)
    put = put_at_places(at_places(x_BTD, place_BW), place_BW, 7)
    assert torch.equal(put[WANTED], x_BTD[WANTED])
    assert (put == 0).all(2).sum() == 6


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("masks", ["none", "keys", "pairs"])
def test_a_layer_gives_some_tokens_the_states_and_gradients_that_all_would_have(
    norm_first, masks
):
    torch.manual_seed(1)
    layer = Layer(8, 2, 16, 0.3, norm_first).double()
    other = copy.deepcopy(layer)
    x_BTD = torch.randn(2, 7, 8, dtype=torch.float64)
    allowed = bare_BT = None
    if masks == "keys":
        allowed = (torch.arange(7) != 5).expand(2, 7)[:, None, None]
    elif masks == "pairs":
        bare_BT = torch.arange(7).expand(2, 7) % 3 == 0
        allowed = ~bare_BT[:, None, None] | torch.eye(7, dtype=torch.bool)

    torch.manual_seed(2)
    whole = layer(x_BTD, allowed, bare_BT)
    torch.manual_seed(2)
    place_BW = places_of(WANTED)
    some = put_at_places(other(x_BTD, allowed, bare_BT, place_BW), place_BW, 7)
    close = {"rtol": 0, "atol": 1e-12}
    torch.testing.assert_close(some[WANTED], whole[WANTED], **close)

    (whole[WANTED] ** 2).sum().backward()
    (some[WANTED] ** 2).sum().backward()
    for own, theirs in zip(other.parameters(), layer.parameters(), strict=True):
        torch.testing.assert_close(own.grad, theirs.grad, rtol=0, atol=1e-11)


def test_a_performer_layer_gives_some_tokens_the_states_that_all_would_have():
    torch.manual_seed(1)
    layer = PerformerLayer(8, 2, 0.0).double()
    x_BTD, place_BW = torch.randn(2, 7, 8, dtype=torch.float64), places_of(WANTED)
    torch.testing.assert_close(
        layer(x_BTD, place_BW), at_places(layer(x_BTD), place_BW), rtol=0, atol=1e-12
    )


def test_attention_in_low_precision_on_a_cpu_is_that_of_float32_rounded():
    torch.manual_seed(1)
    parts = [torch.randn(1, 2, 5, 4).bfloat16() for _ in range(3)]
    with torch.autocast("cpu", torch.bfloat16):
        made = attend(*parts, None)
    expected = attend(*(part.float() for part in parts), None)
    assert made.dtype == torch.bfloat16
    assert torch.equal(made, expected.bfloat16())
