"""The graph of the single cell alone: its active eRegulons."""

from __future__ import annotations

import numpy as np

from grnformer.graph.bundle import Graph


def keep_cell(graph: Graph, rng: np.random.Generator) -> Graph:
    """Take the cell type scale out."""
    return graph.without_edges("cell_type")
