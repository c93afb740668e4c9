"""The graph of the cell's type alone."""

from __future__ import annotations

import numpy as np

from grnformer.graph.bundle import Graph


def keep_cell_type(graph: Graph, rng: np.random.Generator) -> Graph:
    """Take the cell scale out."""
    return graph.without_edges("cell")
