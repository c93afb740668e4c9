"""Graph modes, the registry: each is a function (graph, rng) -> graph, one file each.

`cell_type`, `cell` and `hybrid` are the paper's scales; `none`, `random` and `degree_preserving` are controls.
A control has the scales of `hybrid`, so that a model on it has the same parameters.
"""

from collections.abc import Callable

import numpy as np

from grnformer.graph.bundle import SCALES, Graph
from grnformer.graph.modes import cell, cell_type, degree_preserving, hybrid, none, random

MODES: dict[str, Callable[[Graph, np.random.Generator], Graph]] = {
    "cell_type": cell_type.keep_cell_type,
    "cell": cell.keep_cell,
    "hybrid": hybrid.keep_both,
    "none": none.remove_edges,
    "random": random.draw_edges,
    "degree_preserving": degree_preserving.rewire,
}

SCALES_OF: dict[str, tuple[str, ...]] = dict.fromkeys(MODES, SCALES) | {
    "cell_type": ("cell_type",),
    "cell": ("cell",),
}
