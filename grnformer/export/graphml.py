"""Networks as GraphML: for Cytoscape, Gephi, igraph and networkx, a file a cell type and one over all types."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grnformer.api.run import Run
from grnformer.core import io
from grnformer.export.edges import networks_by_file, nodes_of

if TYPE_CHECKING:
    import networkx
    import pandas as pd


def write(run: Run, folder: Path) -> None:
    """Write ``overall.graphml`` and ``cell_type/<type>.graphml``."""
    import networkx

    for path, cell_type, network in networks_by_file(run, folder, ".graphml"):
        graph = as_graph(network, name=cell_type or run.dataset)
        with io.atomic(path) as temporary:
            networkx.write_graphml_xml(graph, temporary)


def as_graph(network: pd.DataFrame, name: str) -> networkx.DiGraph:
    """A directed graph of a network (contract ``cell_type_grn``).

    Nodes have kind, n_targets, n_regulators; edges weight, sign, interaction (activates, represses) and n_regions, the
    number of regions that carry the edge: their names would make the file ten times as large.
    """
    import networkx

    graph = networkx.DiGraph(name=name)
    for node in nodes_of(network).to_dict("records"):
        graph.add_node(node.pop("name"), **node)

    edges = network[["tf", "gene", "weight", "sign"]].assign(
        interaction=interactions(network["sign"]), n_regions=network["regions"].map(len)
    )
    for edge in edges.to_dict("records"):
        graph.add_edge(edge.pop("tf"), edge.pop("gene"), **edge)
    return graph


def interactions(sign: pd.Series) -> pd.Series:
    """What an edge of this sign does: activates, represses, or regulates where it has none."""
    return sign.map({1: "activates", -1: "represses", 0: "regulates"})
