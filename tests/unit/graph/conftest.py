"""A small graph with hubs, two cell types and overlapping eRegulons."""

import numpy as np
import pandas as pd
import pytest

from grnformer.graph.bundle import EDGE_TYPES, Graph


def _edges(rng, column, groups, n_genes, count):
    parts = []
    for group, tfs in groups.items():
        pairs = {
            (int(rng.choice(tfs)), int(g)) for g in rng.integers(10, n_genes, count)
        }
        table = pd.DataFrame(sorted(pairs), columns=["tf", "gene"])
        table.insert(0, column, group)
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    return table.assign(
        weight=rng.random(len(table)), sign=rng.choice([-1, 1], len(table))
    ).astype(EDGE_TYPES)


@pytest.fixture
def graph():
    rng = np.random.default_rng(0)
    n_genes = 60
    genes = pd.DataFrame(
        {
            "node": range(n_genes),
            "gene": [f"G{i}" for i in range(n_genes)],
            "token": range(n_genes),
        }
    )
    genes["is_tf"] = genes["node"] < 10
    activity = pd.DataFrame({"cell": ["a", "a", "b"], "eregulon": [0, 2, 1]})
    eregulons = _edges(rng, "eregulon", {0: [1], 1: [2], 2: [1]}, n_genes, 20)
    edges = _edges(rng, "cell_type", {"A": [0, 1, 2, 3], "B": [3, 4, 5]}, n_genes, 60)
    members = eregulons.assign(gene=eregulons["gene"].map(genes["gene"]))[
        ["eregulon", "gene"]
    ]
    thresholds = pd.DataFrame({"eregulon": range(3), "threshold": 0.1})
    return Graph(
        genes,
        edges,
        eregulons,
        activity,
        ["r0", "r1", "r2"],
        members,
        thresholds,
        rank_cutoff=20,
    )
