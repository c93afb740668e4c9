"""The graph bundle: genes, edges on both scales and cell activity, in memory and as a folder on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from grnformer.core import io

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
        cell, eregulon: one row a pair that is active, told from all genes of the cell.
    eregulon_names
        K names.
    members
        eregulon, gene (by name, whether among `genes` or not): with `thresholds` and `rank_cutoff`, what activity is
        told from, so that it can be told from some of a cell's genes alone.
    thresholds
        eregulon, threshold: AUC above which it is active.
    rank_cutoff
        R of AUCell, genes.
    """

    genes: pd.DataFrame
    edges: pd.DataFrame
    eregulons: pd.DataFrame
    activity: pd.DataFrame
    eregulon_names: list[str]
    members: pd.DataFrame
    thresholds: pd.DataFrame
    rank_cutoff: int

    def without_edges(self, *scales: str) -> Graph:
        """The same graph with the edges of the named scales (`cell_type`, `cell`) taken out."""
        graph = self
        if "cell_type" in scales:
            graph = replace(graph, edges=graph.edges.iloc[:0])
        if "cell" in scales:
            tables = {
                name: getattr(graph, name).iloc[:0] for name in ("eregulons", "activity", "members", "thresholds")
            }
            graph = replace(graph, **tables)
        return graph


def describe_graph(graph: Graph, lost: pd.DataFrame, cell_types: Iterable[str]) -> dict[str, Any]:
    """What a bundle's meta says of its graph: names of eRegulons, numbers of genes and edges, what was lost."""
    columns = [graph.edges["tf"], graph.edges["gene"], graph.eregulons["tf"], graph.eregulons["gene"]]
    linked = int(pd.concat(columns).nunique())
    return {
        "eregulons": graph.eregulon_names,
        "genes": len(graph.genes),
        "edges": {name: int((graph.edges["cell_type"] == name).sum()) for name in cell_types},
        "eregulon_edges": len(graph.eregulons),
        "active_pairs": len(graph.activity),
        "edges_lost": int(lost["edges_lost"].sum()),
        "genes_lost": len(lost),
        "genes_without_edge": len(graph.genes) - linked,
        "rank_cutoff": graph.rank_cutoff,
    }


@dataclass(frozen=True)
class Bundle:
    """A graph, what was lost on the way to it, and what it is (meta: mode, scales, counts, seed).

    `sources` (dataset, gene, node) says of a corpus which genes each of its datasets measures; None for one dataset.
    """

    graph: Graph
    lost: pd.DataFrame
    meta: dict[str, Any]
    sources: pd.DataFrame | None = None


def write_bundle(bundle: Bundle, folder: str | Path) -> None:
    """Write a bundle as a folder, whole or not at all."""
    graph = bundle.graph
    with io.atomic(folder) as temporary:
        temporary.mkdir()
        io.write_table(graph.genes, temporary / "genes.parquet", "graph_genes")
        io.write_table(graph.edges, temporary / "edges.parquet", "graph_edges")
        io.write_table(graph.eregulons, temporary / "eregulons.parquet", "graph_eregulons")
        io.write_table(graph.activity, temporary / "activity.parquet", "graph_activity")
        io.write_table(graph.members, temporary / "members.parquet", "graph_members")
        io.write_table(graph.thresholds, temporary / "thresholds.parquet", "graph_thresholds")
        io.write_table(bundle.lost, temporary / "lost.tsv", "lost_genes")
        io.write_json(bundle.meta, temporary / "meta.json", "graph_meta")
        if bundle.sources is not None:
            io.write_table(bundle.sources, temporary / "sources.parquet", "graph_sources")


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
        io.read_table(folder / "members.parquet", "graph_members"),
        io.read_table(folder / "thresholds.parquet", "graph_thresholds"),
        meta["rank_cutoff"],
    )
    sources = io.read_table(folder / "sources.parquet", "graph_sources") if "datasets" in meta else None
    return Bundle(graph, io.read_table(folder / "lost.tsv", "lost_genes"), meta, sources)
