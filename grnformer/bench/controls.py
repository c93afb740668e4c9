"""Names of control arms, the same in all benchmarks."""

from __future__ import annotations

REWIRED = "_rewired"


def rewired_name(arm: str) -> str:
    """Name of an arm's control, whose graph is rewired."""
    return arm + REWIRED
