"""Networks as GraphML: for Cytoscape, Gephi, igraph and networkx, a file a cell type and one over all types.

Format: http://graphml.graphdrawing.org/specification.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from grnformer.api.run import Run
from grnformer.core import io
from grnformer.export.edges import networks_by_file, nodes_of

if TYPE_CHECKING:
    import pandas as pd

_ATTRIBUTES = {
    "graph": {"name": "string"},
    "node": {"kind": "string", "n_targets": "int", "n_regulators": "int"},
    "edge": {"weight": "double", "sign": "int", "n_regions": "int"},
}


def write(run: Run, folder: Path) -> None:
    """Write ``overall.graphml`` and ``cell_type/<type>.graphml``."""
    for path, cell_type, network in networks_by_file(run, folder, ".graphml"):
        with (
            io.atomic(path) as temporary,
            temporary.open("w", encoding="utf-8") as file,
        ):
            file.writelines(as_graphml(network, name=cell_type or run.dataset))


def as_graphml(network: pd.DataFrame, name: str) -> Iterator[str]:
    """Lines of a directed graph of a network (contract ``cell_type_grn``), as text: edges may be a million.

    Nodes have kind (TF, gene), n_targets, n_regulators; edges weight (four digits), sign (1 activates, -1 represses)
    and n_regions, the number of regions that carry the edge: their names would make the file ten times as large.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    for kind, attributes in _ATTRIBUTES.items():
        for key, type_ in attributes.items():
            yield f'<key id="{key}" for="{kind}" attr.name="{key}" attr.type="{type_}"/>\n'
    yield f'<graph edgedefault="directed"><data key="name">{escape(name)}</data>\n'

    nodes = nodes_of(network)
    ids = {node: quoteattr(node) for node in nodes["name"]}
    for node, *values in nodes[["name", *_ATTRIBUTES["node"]]].to_numpy().tolist():
        yield f"<node id={ids[node]}>{_data('node', values)}</node>\n"

    columns = [
        network["tf"],
        network["gene"],
        network["weight"].map("{:.4g}".format),
        network["sign"],
        network["regions"].map(len),
    ]
    for tf, gene, *values in zip(*columns, strict=True):
        yield f"<edge source={ids[tf]} target={ids[gene]}>{_data('edge', values)}</edge>\n"
    yield "</graph></graphml>\n"


def _data(kind: str, values: list[object]) -> str:
    pairs = zip(_ATTRIBUTES[kind], values, strict=True)
    return "".join(f'<data key="{key}">{value}</data>' for key, value in pairs)
