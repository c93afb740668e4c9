"""Degrees before and after edge perturbation, on a graph whose degrees are known."""

import dataclasses

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.graph.bundle import EDGE_TYPES, Bundle, Graph
from grnformer.report.page import Table
from grnformer.report.sections.graphs import expressed_genes, perturbation_blocks

N = 60


@pytest.fixture
def rna():
    matrix = (np.random.default_rng(0).random((20, N)) < 0.5).astype(np.float32)
    obs = pd.DataFrame(
        {"cell_type": np.where(np.arange(20) < 12, "A", "B")},
        index=[f"c{i}" for i in range(20)],
    )
    return ad.AnnData(
        sp.csr_matrix(matrix), obs, pd.DataFrame(index=[f"G{i}" for i in range(N)])
    )


@pytest.fixture
def bundle():
    """In types A and B, the TF G0 regulates G1 to G40; G41 to G59 have no link."""
    genes = pd.DataFrame(
        {"node": range(N), "gene": [f"G{i}" for i in range(N)], "token": range(N)}
    )
    edges = pd.DataFrame({"tf": 0, "gene": np.arange(1, 41), "weight": 1.0, "sign": 1})
    both = pd.concat(
        [edges.assign(cell_type=name).astype(EDGE_TYPES) for name in "AB"],
        ignore_index=True,
    )
    empty = pd.DataFrame()
    graph = Graph(
        genes.assign(is_tf=genes["node"] == 0), both, empty, empty, [], empty, empty, 5
    )
    return Bundle(graph, empty, {})


def test_genes_expressed_in_cells_of_each_type(rna):
    found = expressed_genes(rna, ["G5", "nowhere", "G7"], 3, seed=1)
    assert {name: len(cells) for name, cells in found.items()} == {"A": 3, "B": 3}
    every = expressed_genes(rna, list(rna.var_names), 100, seed=1)
    for i, genes in enumerate(every["B"]):
        np.testing.assert_array_equal(
            genes, np.flatnonzero(rna.X[12 + i].toarray().ravel())
        )


def test_degrees_before_and_after(bundle, rna):
    blocks = perturbation_blocks({"hybrid": bundle}, rna, 0.2, 0.0, seed=1)
    (table,) = [block.frame for block in blocks if isinstance(block, Table)]
    table = table.set_index(["strategy", "degree_power", "kind"]).sort_index()
    before = table.loc[("none", 0.0)]
    assert before.loc["TF", "mean_degree"] == 40
    assert before.loc["other gene", "mean_degree"] == pytest.approx(40 / 59)
    assert before.loc["other gene", "unlinked"] == pytest.approx(19 / 59)
    for strategy in ("random", "coexpression"):
        even = table.loc[(strategy, 0.0)]
        assert 32 <= even.loc["TF", "mean_degree"] < 36
        assert even.loc["other gene", "mean_degree"] > 40 / 59
        assert (
            table.loc[(strategy, 1.0, "TF"), "mean_degree"]
            > even.loc["TF", "mean_degree"]
        )
    total = table["mean_degree"] * table.index.get_level_values("kind").map(
        {"TF": 1, "other gene": N - 1}
    )
    # no link is lost
    np.testing.assert_allclose(total.groupby(["strategy", "degree_power"]).sum(), 80)


def test_no_edges_no_blocks(bundle, rna):
    none = dataclasses.replace(bundle, graph=bundle.graph.without_edges("cell_type"))
    assert perturbation_blocks({"none": none}, rna, 0.2, 0.0, seed=1) == []
