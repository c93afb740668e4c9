"""Control: known targets of every TF, the same whatever the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from grnformer.core.methods import method
from grnformer.graph.bundle import EDGE_TYPES, Graph


@method("prior", reads=("pairs",))
def take_known(graph: Graph, rng: np.random.Generator, pairs: pd.DataFrame) -> Graph:
    """Replace the targets of each TF by all that prior knowledge lists for it.

    Kept are the TFs of each cell type and eRegulon, and the cells' activity. All edges weigh 1. TFs of which nothing
    is known have no edge. Where the network was inferred from the same prior, its edges are a choice among these.

    Parameters
    ----------
    pairs
        tf, gene (node numbers), sign (-1, 0, 1), one row a pair.
    """
    known = pairs[pairs["tf"] != pairs["gene"]]
    # a sign that is not known counts as positive, as in every graph
    known = known.assign(weight=1.0, sign=np.where(known["sign"] < 0, -1, 1))

    def rewired(table: pd.DataFrame, group: str) -> pd.DataFrame:
        regulators = table[[group, "tf"]].drop_duplicates()
        joined = regulators.merge(known, on="tf").sort_values([group, "tf", "gene"])
        return joined[list(table)].astype(EDGE_TYPES).reset_index(drop=True)

    return replace(
        graph,
        edges=rewired(graph.edges, "cell_type"),
        eregulons=rewired(graph.eregulons, "eregulon"),
    )
