"""Graph modes: functions (graph, rng) -> graph, one file each, imported when they are looked up.

`cell_type`, `cell` and `hybrid` are the paper's scales; `none`, `random` and `degree_preserving` are controls.
A control has the scales of `hybrid`, so that a model on it has the same parameters.
"""

from collections.abc import Callable

import numpy as np

from grnformer.core.methods import Methods, load
from grnformer.graph.bundle import SCALES, Graph

MODES: Methods[Callable[[Graph, np.random.Generator], Graph]] = Methods(__name__)


def scales_of(mode: str) -> list[str]:
    """Scales of the graphs of a mode: what its file registers as `scales`, else both."""
    return list(load(__name__, mode).about.get("scales", SCALES))
