"""What the settings of single cells say, without the libraries of the benchmark: the workflow reads it too."""

from __future__ import annotations

from typing import Any


def is_embeddable(entry: dict[str, Any]) -> bool:
    """Whether models can read the cells: not z-scores, from which neither counts nor ranks in a cell come back."""
    return bool(entry["values"] != "z_scores")
