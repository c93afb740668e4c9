"""Control: the same wiring under other genes' names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grnformer.core.methods import method
from grnformer.graph.bundle import Graph


@method("label_shuffled")
def shuffle_labels(graph: Graph, rng: np.random.Generator) -> Graph:
    """Give every gene another gene's edges: TFs those of TFs, all others those of others.

    One permutation for both scales and all cell types, so that the wiring stays whole: degrees, hubs, paths, and what
    types and eRegulons have in common. Weights, signs and the cells' activity stay. Only which gene is where is lost.
    """
    is_tf = graph.genes["is_tf"].to_numpy(bool)
    new = np.arange(len(graph.genes))
    for group in (np.flatnonzero(is_tf), np.flatnonzero(~is_tf)):
        new[group] = rng.permutation(group)

    edges, eregulons = (
        table.assign(tf=new[table["tf"]], gene=new[table["gene"]])
        for table in (graph.edges, graph.eregulons)
    )
    return replace(graph, edges=edges, eregulons=eregulons)
