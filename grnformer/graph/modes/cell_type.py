"""The graph of the cell's type."""

from __future__ import annotations

import numpy as np

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph


@method("cell_type", scales=("cell_type",))
def keep_cell_type(graph: Graph, rng: np.random.Generator) -> Graph:
    """Take the cell scale out."""
    return graph.without_edges("cell")
