"""The graph bundle: genes, edges on both scales and cell activity, in memory and as a folder on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from grnformer import io

SCALES = ("cell_type", "cell")
EDGE_TYPES = {"tf": "int64", "gene": "int64", "weight": "float64", "sign": "int64"}


@dataclass(frozen=True)
class Graph:
    """A network on two scales over N genes.

    Attributes
    ----------
    genes
        node (0..N-1), gene, token, is_tf.
    edges
        cell_type, tf, gene, weight (>= 0), sign (+1, -1): one row an edge of a cell type's graph, by node number.
    eregulons
        eregulon (0..K-1), tf, gene, weight, sign: one row an edge of an eRegulon. A cell's graph is the union of
        its active eRegulons; an edge that several of them hold counts once for each.
    activity
        cell, eregulon: one row a pair that is active.
    eregulon_names
        K names.
    """

    genes: pd.DataFrame
    edges: pd.DataFrame
    eregulons: pd.DataFrame
    activity: pd.DataFrame
    eregulon_names: list[str]

    def without_edges(self, *scales: str) -> Graph:
        """The same graph with the edges of the named scales (`cell_type`, `cell`) taken out."""
        graph = self
        if "cell_type" in scales:
            graph = replace(graph, edges=graph.edges.iloc[:0])
        if "cell" in scales:
            graph = replace(graph, eregulons=graph.eregulons.iloc[:0], activity=graph.activity.iloc[:0])
        return graph


@dataclass(frozen=True)
class Bundle:
    """A graph, what was lost on the way to it, and what it is (meta: mode, scales, counts, seed)."""

    graph: Graph
    lost: pd.DataFrame
    meta: dict[str, Any]


def write_bundle(bundle: Bundle, folder: str | Path) -> None:
    """Write a bundle as a folder, whole or not at all."""
    graph = bundle.graph
    with io.atomic(folder) as temporary:
        temporary.mkdir()
        io.write_table(graph.genes, temporary / "genes.parquet", "graph_genes")
        io.write_table(graph.edges, temporary / "edges.parquet", "graph_edges")
        io.write_table(graph.eregulons, temporary / "eregulons.parquet", "graph_eregulons")
        io.write_table(graph.activity, temporary / "activity.parquet", "graph_activity")
        io.write_table(bundle.lost, temporary / "lost.tsv", "lost_genes")
        io.write_json(bundle.meta, temporary / "meta.json", "graph_meta")


def read_bundle(folder: str | Path) -> Bundle:
    """Read a bundle that `write_bundle` wrote."""
    folder = Path(folder)
    meta = io.read_json(folder / "meta.json", "graph_meta")
    graph = Graph(
        io.read_table(folder / "genes.parquet", "graph_genes"),
        io.read_table(folder / "edges.parquet", "graph_edges"),
        io.read_table(folder / "eregulons.parquet", "graph_eregulons"),
        io.read_table(folder / "activity.parquet", "graph_activity"),
        meta["eregulons"],
    )
    return Bundle(graph, io.read_table(folder / "lost.tsv", "lost_genes"), meta)
