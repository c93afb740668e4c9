"""The graph bundle: genes, edges on all scales and cell activity, in memory and as a folder on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from grnformer.core import io

TF_SCALES = ("cell_type", "cell")
SCALES = (*TF_SCALES, "knowledge")
# of a graph, by scale
TABLES = {
    "cell_type": ("edges",),
    "cell": ("eregulons", "activity", "members", "thresholds"),
    "knowledge": ("knowledge",),
}
EDGE_TYPES = {"tf": "int64", "gene": "int64", "weight": "float64", "sign": "int64"}
KNOWLEDGE_TYPES = {"gene_a": "int64", "gene_b": "int64", "weight": "float64"}


def no_knowledge() -> pd.DataFrame:
    """A knowledge graph without pairs."""
    return pd.DataFrame(columns=list(KNOWLEDGE_TYPES)).astype(KNOWLEDGE_TYPES)


@dataclass(frozen=True)
class Graph:
    """Networks over N genes: of TFs on two scales, and what is known of genes beforehand.

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
        cell, eregulon: one row a pair that is active, scored on all genes of the cell.
    eregulon_names
        K names.
    members
        eregulon, gene (by name, whether among `genes` or not). With `thresholds` and `rank_cutoff` activity can be
        scored again, on some of a cell's genes only.
    thresholds
        eregulon, threshold: AUC above which it is active.
    rank_cutoff
        R of AUCell, genes.
    knowledge
        gene_a < gene_b (node numbers), weight (above 0): one row a pair, undirected, unsigned, the same in every
        cell. Empty in modes without this scale.
    """

    genes: pd.DataFrame
    edges: pd.DataFrame
    eregulons: pd.DataFrame
    activity: pd.DataFrame
    eregulon_names: list[str]
    members: pd.DataFrame
    thresholds: pd.DataFrame
    rank_cutoff: int
    knowledge: pd.DataFrame = field(default_factory=no_knowledge)

    def without_edges(self, *scales: str) -> Graph:
        """The same graph without the edges of the named scales (of `SCALES`)."""
        # emptied tables keep their columns: readers need no case for them
        names = [name for scale in scales for name in TABLES[scale]]
        return replace(self, **{name: getattr(self, name).iloc[:0] for name in names})


def describe_graph(
    graph: Graph, lost: pd.DataFrame, cell_types: Iterable[str]
) -> dict[str, Any]:
    """Part of a bundle's meta: names of eRegulons, numbers of genes and edges, what was lost."""
    ends = [
        table[end] for table in (graph.edges, graph.eregulons) for end in ("tf", "gene")
    ]
    ends += [graph.knowledge["gene_a"], graph.knowledge["gene_b"]]
    n_linked = pd.concat(ends).nunique()
    return {
        "eregulons": graph.eregulon_names,
        "genes": len(graph.genes),
        "edges": {
            name: int((graph.edges["cell_type"] == name).sum()) for name in cell_types
        },
        "eregulon_edges": len(graph.eregulons),
        "knowledge_edges": len(graph.knowledge),
        "active_pairs": len(graph.activity),
        "edges_lost": int(lost["edges_lost"].sum()),
        "genes_lost": len(lost),
        "genes_without_edge": len(graph.genes) - int(n_linked),
        "rank_cutoff": graph.rank_cutoff,
    }


@dataclass(frozen=True)
class Bundle:
    """A graph, what was lost on the way to it, and its meta (mode, scales, counts, seed).

    `sources` (dataset, gene, node) lists the genes that each dataset of a corpus measures; None for one dataset.
    """

    graph: Graph
    lost: pd.DataFrame
    meta: dict[str, Any]
    sources: pd.DataFrame | None = None


# tables of a graph; each has a file and a contract
FILES = ("genes", *(name for names in TABLES.values() for name in names))


def write_bundle(bundle: Bundle, folder: str | Path) -> None:
    """Write a bundle as a folder, whole or not at all."""
    with io.atomic(folder) as temporary:
        temporary.mkdir()
        for name in FILES:
            io.write_table(
                getattr(bundle.graph, name),
                temporary / f"{name}.parquet",
                f"graph_{name}",
            )
        io.write_table(bundle.lost, temporary / "lost.tsv", "lost_genes")
        io.write_json(bundle.meta, temporary / "meta.json", "graph_meta")
        if bundle.sources is not None:
            io.write_table(
                bundle.sources, temporary / "sources.parquet", "graph_sources"
            )


def read_bundle(folder: str | Path) -> Bundle:
    """Read a bundle that `write_bundle` wrote."""
    folder = Path(folder)
    meta = io.read_json(folder / "meta.json", "graph_meta")
    tables = {
        name: io.read_table(folder / f"{name}.parquet", f"graph_{name}")
        for name in FILES
    }

    # tables number the eRegulons: only the meta names them
    graph = Graph(
        **tables, eregulon_names=meta["eregulons"], rank_cutoff=meta["rank_cutoff"]
    )
    lost = io.read_table(folder / "lost.tsv", "lost_genes")

    # the meta of a joined bundle, and of no other, lists datasets
    sources = (
        io.read_table(folder / "sources.parquet", "graph_sources")
        if "datasets" in meta
        else None
    )
    return Bundle(graph, lost, meta, sources)
