"""Cells of similar length, which are read together nearly without padding."""

from __future__ import annotations

import numpy as np

WASTE = 1.1  # tokens of a group's longest cell over those of its shortest, at most
SHORT = 8  # tokens: below it, differences in length do not matter


def group_lengths(length_B: np.ndarray) -> list[np.ndarray]:
    """Group cells of similar length, the shortest first: numbers of the cells of each group."""
    order = np.argsort(length_B, kind="stable")
    groups: list[list[int]] = []
    shortest = 0
    for cell in order.tolist():
        if not groups or length_B[cell] > max(WASTE * shortest, SHORT):
            groups.append([])
            shortest = length_B[cell]
        groups[-1].append(cell)
    return [np.array(group) for group in groups]
