"""Both scales: the graph of the cell's type and that of the cell, fused in the model."""

from __future__ import annotations

import numpy as np

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph


@method("hybrid")
def keep_both(graph: Graph, rng: np.random.Generator) -> Graph:
    """Keep the graph as it is."""
    return graph
