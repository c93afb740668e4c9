"""Control: no edge. With an adapter on it, the model has all parameters of `hybrid_knowledge` and no graph."""

from __future__ import annotations

import numpy as np

from grnformer.core.methods import method
from grnformer.graph.bundle import SCALES, Graph


@method("hybrid_knowledge_none", scales=SCALES)
def remove_edges(graph: Graph, rng: np.random.Generator) -> Graph:
    """Take all edges out."""
    return graph.without_edges(*SCALES)
