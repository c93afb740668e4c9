"""Layers over cells of unequal length, nearly without padding: cells of similar length run together.

Shapes: B cells, T tokens of the longest one, D width, P tokens of all groups.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from grnformer.data.lengths import group_lengths


def run_layers(
    layers: Iterable[nn.Module], h_BTD: torch.Tensor, present_BT: torch.Tensor
) -> torch.Tensor:
    """Run `layers` (called with states and which tokens may be attended to, None: all) on every cell's tokens.

    Parameters
    ----------
    present_BT
        True for a cell's tokens, which stand before its padding.

    Returns
    -------
    (B, T, D), the same as with padding, and 0 where a cell has no token.
    """
    layers = list(layers)
    if bool(present_BT.all()):
        for layer in layers:
            h_BTD = layer(h_BTD, None)
        return h_BTD

    n_cells, n_tokens, width = h_BTD.shape
    length_B = present_BT.sum(1).cpu().numpy()
    groups = group_lengths(length_B)
    # a token at least: cells without any still make a group
    shapes = [(len(group), max(int(length_B[group].max()), 1)) for group in groups]
    taken = np.concatenate(
        [
            (group[:, None] * n_tokens + np.arange(longest)).ravel()
            for group, (_, longest) in zip(groups, shapes, strict=True)
        ]
    )

    # all groups are taken by one index and put back by one: the gradient of each index is as large as the batch
    packed_PD = h_BTD.flatten(0, 1)[torch.from_numpy(taken).to(h_BTD.device)]
    parts, masks = [], []
    for part, group, shape in zip(
        packed_PD.split([a * b for a, b in shapes]), groups, shapes, strict=True
    ):
        present = torch.from_numpy(np.arange(shape[1]) < length_B[group][:, None]).to(
            h_BTD.device
        )
        parts.append(part.unflatten(0, shape))
        masks.append(None if bool(present.all()) else present[:, None, None])

    for layer in layers:
        # a sharded layer gathers its weights in each call: one call, so that every process makes as many
        if getattr(layer, "takes_parts", False):
            parts = layer(parts, masks)
        else:
            parts = [
                layer(part, allowed) for part, allowed in zip(parts, masks, strict=True)
            ]

    # padding takes the row of zeros behind the others
    nothing = h_BTD.new_zeros(1, width)
    place = np.full(n_cells * n_tokens, len(taken))
    place[taken] = np.arange(len(taken))
    place[~present_BT.cpu().numpy().ravel()] = len(taken)
    return torch.cat(
        [*(part.flatten(0, 1).to(h_BTD.dtype) for part in parts), nothing]
    )[torch.from_numpy(place).to(h_BTD.device)].unflatten(0, (n_cells, n_tokens))
