"""One colour an arm on the whole page: graphs of the data, their controls, and models without a graph apart."""

from __future__ import annotations

from itertools import cycle
from typing import Any, Literal

from grnformer.bench.perturbation.arms import JOINED, MODEL
from grnformer.bench.perturbation.in_silico import IN_SILICO
from grnformer.workflow.arms import has_edges
from grnformer.workflow.config import DATA_GRAPHS

Family = Literal["data", "control", "without"]

# Okabe and Ito's palette (jfly.uni-koeln.de/color) and Tol's muted set: blues and greens, reds and oranges, greys.
_COLOURS: dict[Family, tuple[str, ...]] = {
    "data": ("#0072B2", "#56B4E9", "#009E73", "#332288", "#44AA99"),
    "control": ("#D55E00", "#E69F00", "#CC79A7", "#882255", "#AA4499"),
    "without": ("#4d5966", "#98a3ae", "#6b7785"),
}
SYMBOLS: dict[Family, str] = {
    "data": "circle",
    "control": "diamond-open",
    "without": "square-open",
}
_MEANINGS = {
    "hybrid": "the networks of cell types and of single cells",
    "cell_type": "the network of the cell's type",
    "cell": "the network of each cell",
    "knowledge": "pathways, complexes and interactions, no network of the data",
    "hybrid_knowledge": "the networks of cell types and of cells, and knowledge",
    "random": "control: as many edges between genes at random",
    "degree_preserving": "control: the network rewired, with the same degrees",
    "label_shuffled": "control: the network with gene names shuffled",
    "coexpression": "control: co-expressed genes in place of the network's",
    "prior": "control: known targets, without the data",
}


def family_of(arm: dict[str, Any]) -> Family:
    """Whether an arm of pretraining has a graph of the data, a control graph or none."""
    if not has_edges(arm["graph"]):
        return "without"
    return "data" if arm["graph"] in DATA_GRAPHS else "control"


def arm_colours(arms: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Colour of each arm of ``pretrain.arms``, by its family and its place in the configuration."""
    left = {family: cycle(colours) for family, colours in _COLOURS.items()}
    return {name: next(left[family_of(arm)]) for name, arm in arms.items()}


def describe_arm(arm: dict[str, Any]) -> str:
    """What an arm is, in a few words: its graph, and how it stands to the others."""
    graph = str(arm["graph"])
    if not has_edges(graph):
        return (
            "no graph, but an adapter: as many weights as with one"
            if arm["adapter"]
            else "no graph and no adapter: the backbone alone"
        )
    if graph in _MEANINGS:
        return _MEANINGS[graph]
    # controls of graphs with knowledge: hybrid_knowledge_random, ...
    of, _, control = graph.rpartition("knowledge_")
    return f"{_MEANINGS.get(control, graph)}, with {of}knowledge likewise"


def bare_arm(name: str) -> str:
    """Arm of pretraining behind a scored arm, e.g. ``hybrid`` of ``model_hybrid_and_graphs``, ``hybrid (boosting)``."""
    bare = name.partition(" (")[0].removeprefix(MODEL)
    for head in ("_and_genes_ridge", "_ridge", IN_SILICO, JOINED):
        bare = bare.removesuffix(head)
    return bare
