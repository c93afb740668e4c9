"""A given network through the rules, from its file to a graph bundle, without topics or inference."""

from pathlib import Path

import pandas as pd
import pytest

from grnformer.core import io
from grnformer.graph.bundle import read_bundle

RULES = [
    "take_given_network",
    "score_cell_activity",
    "build_graph",
]


@pytest.mark.slow
def test_a_given_network_goes_straight_to_fuse(
    tmp_path: Path, simulated, run_rules
) -> None:
    folder = tmp_path / "results" / "tiny"
    truth = simulated.edges[["tf", "gene"]].drop_duplicates()
    truth.assign(weight=1.0).to_csv(tmp_path / "mine.csv", index=False)
    genes = pd.unique(truth.to_numpy().ravel())
    (tmp_path / "vocabulary.tsv").write_text(
        "gene_name\tindex\n" + "".join(f"{gene}\t{i}\n" for i, gene in enumerate(genes))
    )
    config = {
        "grn": {"given": "mine.csv", "eregulons": {"min_targets": 3}},
        "fuse": {"vocabulary": "vocabulary.tsv", "min_cells": 1},
        "bench": {"grn_accuracy": {"lines": []}},
    }
    done = run_rules(["results/tiny/fuse/hybrid"], RULES, config)
    assert done.returncode == 0, done.stderr
    graph = read_bundle(folder / "fuse" / "hybrid").graph
    name = graph.genes.set_index("node")["gene"]
    for _, edges in graph.edges.groupby("cell_type", observed=True):
        found = set(zip(edges["tf"].map(name), edges["gene"].map(name), strict=True))
        assert found == set(truth.itertuples(index=False, name=None))
    assert len(graph.activity)
    about = io.read_json(folder / "grn" / "given_network.json", "given_network")
    assert list(about["files"]) == ["mine.csv"]
    # an inferred network leaves these
    assert not list(folder.glob("topics/cell_topic*"))
    assert not list(folder.glob("grn/tf_gene*"))
