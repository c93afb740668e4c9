"""All scales: the TF network of the cell's type and of the cell, and what is known of genes beforehand."""

from __future__ import annotations

import numpy as np

from grnformer.core.methods import method
from grnformer.graph.bundle import SCALES, Graph


@method("hybrid_knowledge", scales=SCALES)
def keep_all(graph: Graph, rng: np.random.Generator) -> Graph:
    """Keep the graph as it is."""
    return graph
