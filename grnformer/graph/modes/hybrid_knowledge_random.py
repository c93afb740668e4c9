"""Control of `hybrid_knowledge`: every scale at random, each by its own control."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grnformer.core.methods import method
from grnformer.graph.bundle import SCALES, Graph
from grnformer.graph.modes.knowledge_random import sample_partners
from grnformer.graph.modes.random import sample_all_edges


@method("hybrid_knowledge_random", scales=SCALES)
def sample_everything(graph: Graph, rng: np.random.Generator) -> Graph:
    """Sample the edges of the TF network and the pairs of the knowledge graph anew."""
    sampled = sample_all_edges(graph, rng)
    pairs = sample_partners(graph.knowledge, len(graph.genes), rng)
    return replace(sampled, knowledge=pairs)
