"""Control of `hybrid_knowledge`: every scale rewired, each by its own control."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grnformer.core.methods import method
from grnformer.graph.bundle import SCALES, Graph
from grnformer.graph.modes import degree_preserving
from grnformer.graph.modes.knowledge_degree_preserving import swap_partners


@method("hybrid_knowledge_degree_preserving", scales=SCALES)
def rewire(graph: Graph, rng: np.random.Generator) -> Graph:
    """Swap targets in the TF network, and partners in the knowledge graph."""
    rewired = degree_preserving.rewire(graph, rng)
    return replace(rewired, knowledge=swap_partners(graph.knowledge, rng))
