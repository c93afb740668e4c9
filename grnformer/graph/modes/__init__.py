"""Graph modes: functions (graph, rng) -> graph, one file each, imported when they are looked up.

`cell_type`, `cell` and `hybrid` are the paper's scales; `none`, `random`, `degree_preserving`, `label_shuffled`,
`coexpression` and `prior` are controls. A control has the scales of `hybrid`, so that a model on it has the same
parameters. `knowledge` and `hybrid_knowledge` (all scales) have controls of their own, with their scales:
<graph>_none, <graph>_random, <graph>_degree_preserving. A mode that reads more than the graph registers what as
`reads`, and has it as an argument of that name.
"""

from collections.abc import Callable

from grnformer.core.methods import Methods, load
from grnformer.graph.bundle import TF_SCALES, Graph

MODES: Methods[Callable[..., Graph]] = Methods(__name__)


def scales_of(mode: str) -> list[str]:
    """Scales of the graphs of a mode: what its file registers as `scales`, else both of the TF network."""
    return list(load(__name__, mode).about.get("scales", TF_SCALES))


def reads_of(mode: str) -> tuple[str, ...]:
    """What a mode reads beside the graph: `expression`, `pairs`; nothing for most."""
    return tuple(load(__name__, mode).about.get("reads", ()))
