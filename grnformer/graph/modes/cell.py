"""The graph of the cell: its active eRegulons."""

from __future__ import annotations

import numpy as np

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph


@method("cell", scales=("cell",))
def keep_cell(graph: Graph, rng: np.random.Generator) -> Graph:
    """Take the cell type scale out."""
    return graph.without_edges("cell_type")
