"""Layers over cells of unequal length, nearly without padding: cells of like length run together.

Shapes: B cells, T tokens of the longest one, D width.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

WASTE = 1.1  # a group's longest cell has at most so many times the tokens of its shortest
ALONE = 8  # tokens: of shorter cells, differences do not matter


def group_lengths(length_B: np.ndarray) -> list[np.ndarray]:
    """Group cells of like length, the shortest first: numbers of the cells of each group."""
    order = np.argsort(length_B, kind="stable")
    groups: list[list[int]] = []
    shortest = 0
    for cell in order.tolist():
        if not groups or length_B[cell] > max(WASTE * shortest, ALONE):
            groups.append([])
            shortest = length_B[cell]
        groups[-1].append(cell)
    return [np.array(group) for group in groups]


def run_layers(layers: Iterable[nn.Module], h_BTD: torch.Tensor, present_BT: torch.Tensor) -> torch.Tensor:
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
    length_B = present_BT.sum(1).cpu().numpy()
    groups = group_lengths(length_B)
    parts = []
    for group in groups:
        cells, longest = torch.from_numpy(group).to(h_BTD.device), max(int(length_B[group].max()), 1)
        part, present = h_BTD[cells, :longest], present_BT[cells, :longest]
        allowed = None if bool(present.all()) else present[:, None, None]
        for layer in layers:
            part = layer(part, allowed)
        parts.append(F.pad(part.masked_fill(~present[:, :, None], 0.0), (0, 0, 0, h_BTD.shape[1] - longest)))
    back = torch.from_numpy(np.argsort(np.concatenate(groups))).to(h_BTD.device)
    return torch.cat(parts)[back]
