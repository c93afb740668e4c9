"""Tables for Cytoscape: edges (File > Import > Network from File) and nodes (Import > Table from File)."""

from __future__ import annotations

from pathlib import Path

from grnformer.api.run import Run
from grnformer.core import io
from grnformer.export.edges import networks_by_file, nodes_of

_INTERACTIONS = {1: "activates", -1: "represses", 0: "regulates"}


def write(run: Run, folder: Path) -> None:
    """Write ``overall.edges.tsv``, ``overall.nodes.tsv``, and the same of each cell type in ``cell_type``."""
    for path, _, network in networks_by_file(run, folder, ".edges.tsv"):
        edges = network[["tf", "gene", "weight", "sign", "evidence"]]
        edges = edges.rename(columns={"tf": "source", "gene": "target"})
        edges.insert(1, "interaction", network["sign"].map(_INTERACTIONS))
        for column in ("regions", "eregulons"):
            edges[column] = network[column].map("|".join)
        io.write_table(edges, path, "cytoscape_edges")

        nodes = path.with_name(path.name.replace(".edges.tsv", ".nodes.tsv"))
        io.write_table(nodes_of(network), nodes, "cytoscape_nodes")
