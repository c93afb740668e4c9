"""The graph of pathways, complexes and interactions alone, the same in every cell."""

from __future__ import annotations

import numpy as np

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph


@method("knowledge", scales=("knowledge",))
def keep_knowledge(graph: Graph, rng: np.random.Generator) -> Graph:
    """Take the scales of the TF network out."""
    return graph.without_edges("cell_type", "cell")
