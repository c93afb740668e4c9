"""Layers over cells of unequal length: the same as with padding, values and gradients."""

import copy

import numpy as np
import torch

from grnformer.data.lengths import group_lengths
from grnformer.model.backbones.layer import Layer
from grnformer.model.backbones.ragged import run_layers


def padded(layers, h, present):
    for layer in layers:
        h = layer(h, present[:, None, None])
    return h.masked_fill(~present[:, :, None], 0.0)


def test_cells_of_like_length_fraction_a_group():
    groups = group_lengths(np.array([100, 20, 105, 3, 8, 111, 0]))
    assert [group.tolist() for group in groups] == [[6, 3, 4], [1], [0, 2], [5]]


def test_the_states_and_gradients_are_those_of_padded_cells():
    torch.manual_seed(1)
    layers = torch.nn.ModuleList(Layer(8, 2, 16, 0.0, True) for _ in range(2)).double()
    length = torch.tensor([30, 4, 17, 18, 0, 9])
    present = torch.arange(30) < length[:, None]
    h, weight = (
        torch.randn(6, 30, 8, dtype=torch.float64),
        torch.randn(6, 30, 8, dtype=torch.float64),
    )
    other = copy.deepcopy(layers)
    ours, reference = run_layers(layers, h, present), padded(other, h, present)
    torch.testing.assert_close(
        ours[length > 0], reference[length > 0], rtol=0, atol=1e-12
    )
    assert (ours[4] == 0).all()
    rows = length > 0
    (ours * weight)[rows].sum().backward()
    (reference * weight)[rows].sum().backward()
    for own, theirs in zip(layers.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(own.grad, theirs.grad, rtol=0, atol=1e-11)


def test_without_padding_nothing_is_changed():
    layers = [Layer(8, 2, 16, 0.0, True)]
    h = torch.randn(3, 5, 8)
    torch.testing.assert_close(
        run_layers(layers, h, torch.ones(3, 5, dtype=torch.bool)),
        layers[0](h),
        rtol=0,
        atol=0,
    )
