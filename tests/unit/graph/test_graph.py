"""What a bundle says of its graph."""

import pandas as pd

from grnformer.graph.bundle import Graph, describe_graph


def test_the_meta_counts_genes_edges_and_what_was_lost():
    edges = pd.DataFrame(
        {
            "cell_type": ["A", "A", "B"],
            "tf": [0, 0, 0],
            "gene": [1, 2, 1],
            "weight": 1.0,
            "sign": 1,
        }
    )
    eregulons = pd.DataFrame(
        {"eregulon": [0, 0], "tf": [0, 3], "gene": [1, 0], "weight": 1.0, "sign": 1}
    )
    graph = Graph(
        genes=pd.DataFrame({"node": range(6)}),
        edges=edges,
        eregulons=eregulons,
        activity=pd.DataFrame({"cell": ["c", "d", "e"], "eregulon": [0, 0, 0]}),
        eregulon_names=["E"],
        members=pd.DataFrame(),
        thresholds=pd.DataFrame(),
        rank_cutoff=7,
    )
    lost = pd.DataFrame({"gene": ["X", "Y"], "edges_lost": [2, 3]})
    assert describe_graph(graph, lost, ["A", "B", "C"]) == {
        "eregulons": ["E"],
        "genes": 6,
        "edges": {"A": 2, "B": 1, "C": 0},
        "eregulon_edges": 2,
        "knowledge_edges": 0,
        "active_pairs": 3,
        "edges_lost": 5,
        "genes_lost": 2,
        "genes_without_edge": 2,  # of 0 to 5, 4 and 5 have neither kind
        "rank_cutoff": 7,
    }
