"""Cell-type GRNs by hand cases."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.grn.cell_type.build import build_cell_type_grns
from grnformer.grn.cell_type.edges import build_cell_type_grn
from grnformer.grn.cell_type.openness import measure_openness
from grnformer.grn.inputs import align_topics, take_regions

SETTINGS = {
    "min_rss_quantile": 0.5, "min_tf_cells": 0.1, "min_openness": 1.0, "min_open_cells": 1,
    "weights": {"tf_gene": 1, "region_gene": 1, "openness": 1},
}  # fmt: skip


@pytest.fixture
def eregulons():
    rows = [
        ("A_direct_+/+", "A", "r1", "x", 5.0, 0.5, 0.6, 0.3),
        ("A_direct_+/+", "A", "r2", "x", 5.0, 0.5, 0.9, 0.3),
        ("A_direct_+/+", "A", "r3", "y", 1.0, 0.5, 0.1, 0.3),
        ("B_direct_-/+", "B", "r1", "x", 3.0, 0.0, 0.6, 0.3),
        ("C_direct_+/+", "C", "r1", "y", 3.0, 0.5, 0.6, 0.3),
    ]
    columns = ["eregulon", "tf", "region", "gene", "tf_gene_weight", "tf_gene_rho", "region_gene_weight",
               "region_gene_rho"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).assign(evidence="prior:x")


def network(eregulons, **changes):
    return build_cell_type_grn(
        eregulons,
        pd.Series({"A_direct_+/+": 0.9, "B_direct_-/+": 0.5, "C_direct_+/+": 0.2}),
        pd.Series({"A": 0.5, "B": 0.2, "C": 0.9}),
        pd.Series({"r1": 2.0, "r2": 0.5, "r3": 4.0}),
        pd.Series({"r1": 3, "r2": 3, "r3": 1}),
        **SETTINGS | changes,
    )


def test_edges_regions_signs_and_weights(eregulons):
    found = network(eregulons)
    contracts.check(found, "cell_type_grn", "test")
    assert found[["tf", "gene", "sign"]].to_numpy().tolist() == [
        ["A", "x", 1],
        ["A", "y", 1],
        ["B", "x", -1],
    ]
    assert found["regions"].tolist() == [["r1"], ["r3"], ["r1"]]  # r2 is closed
    assert found["eregulons"].tolist() == [
        ["A_direct_+/+"],
        ["A_direct_+/+"],
        ["B_direct_-/+"],
    ]
    # ranks of three: tf_gene 5, 1, 3; region_gene .6, .1, .6 (r2's .9 does not count); openness 2, 4, 2
    assert found["weight"].to_numpy() == pytest.approx(
        np.array([3 + 2.5 + 1.5, 1 + 1 + 3, 2 + 2.5 + 1.5]) / 9, abs=1e-12
    )
    weighted = network(
        eregulons, weights={"tf_gene": 1, "region_gene": 0, "openness": 0}
    )
    assert weighted["weight"].to_numpy() == pytest.approx(np.array([3, 1, 2]) / 3)


@pytest.mark.parametrize(
    ("change", "tfs"),
    [
        ({"min_rss_quantile": 0.0}, ["A", "B", "C"]),
        ({"min_rss_quantile": 0.9}, ["A"]),
        ({"min_tf_cells": 0.3}, ["A"]),
        ({"min_open_cells": 4}, []),
        ({"min_openness": 3.0}, ["A"]),
    ],
)
def test_each_filter_counts(eregulons, change, tfs):
    assert sorted(set(network(eregulons, **change)["tf"])) == tfs


def test_openness_does_not_depend_on_depth():
    cell_type = np.array(["a", "a", "b", "b"])
    cell_topic = np.array([[1.0, 0], [1, 0], [0, 1], [0.5, 0.5]])
    region_topic = np.array([[0.8, 0.1], [0.1, 0.1], [0.1, 0.8]])
    topics = measure_openness(
        "topics", np.zeros((2, 3)), cell_topic, region_topic, cell_type, ["a", "b"]
    )
    assert topics == pytest.approx(np.array([[0.8, 0.1, 0.1], [0.275, 0.1, 0.625]]) * 3)
    counts = np.array([[10, 20, 30], [1, 2, 3]])
    observed = measure_openness(
        "observed", counts, cell_topic, region_topic, cell_type, ["a", "b"]
    )
    assert observed.tolist() == [[0.5, 1, 1.5], [0.5, 1, 1.5]]


def test_types_differ_by_specificity_and_open_regions(eregulons):
    cell_type = np.array(["left"] * 4 + ["right"] * 4)
    open_ = np.zeros((8, 3), np.float32)
    open_[:4, 0] = open_[4:, 2] = 1
    specificity = pd.DataFrame(
        [
            (e, t, r)
            for t in ("left", "right")
            for e, r in zip(
                eregulons["eregulon"].unique(), (0.9, 0.5, 0.2), strict=True
            )
        ],
        columns=["eregulon", "cell_type", "rss"],
    )
    given = (
        eregulons, specificity, ["A", "B", "C", "x", "y"], ["r1", "r2", "r3"], sp.csr_matrix(np.ones((8, 5))),
        sp.csr_matrix(open_), cell_type, np.ones((8, 1)), np.ones((3, 1)) / 3,
    )  # fmt: skip
    networks, summary = build_cell_type_grns(*given, openness="observed", **SETTINGS)
    assert networks["left"][["tf", "gene"]].to_numpy().tolist() == [
        ["A", "x"],
        ["B", "x"],
    ]
    assert networks["right"][["tf", "gene"]].to_numpy().tolist() == [["A", "y"]]
    contracts.check(summary.assign(file="f"), "cell_type_summary", "test")
    assert summary[["edges", "activating", "repressing"]].to_numpy().tolist() == [
        [2, 1, 1],
        [1, 1, 0],
    ]
    with pytest.raises(InputError, match="cell type 'left'"):
        build_cell_type_grns(
            *given, openness="observed", **SETTINGS | {"min_open_cells": 5}
        )


def test_file_names():
    assert file_names(["CD4+ T", "B/plasma"]) == {
        "CD4+ T": "CD4+_T",
        "B/plasma": "B_plasma",
    }
    with pytest.raises(InputError, match="'CD4 T' and 'CD4/T'"):
        file_names(["CD4 T", "CD4/T"])
    assert file_names(["../x"]) == {"../x": "_._x"}


def test_topics_are_put_in_order():
    cells = pd.DataFrame(
        {"cell": ["b", "a"], "topic_2": [0.3, 0.1], "topic_1": [0.7, 0.9]}
    )
    regions = pd.DataFrame(
        {"region": ["r", "s"], "topic_1": [0.2, 0.8], "topic_2": [0.6, 0.4]}
    )
    by_cell, by_region = align_topics(cells, regions, ["a", "b"], ["s"])
    assert (by_cell @ by_region.T).ravel() == pytest.approx(
        [0.9 * 0.8 + 0.1 * 0.4, 0.7 * 0.8 + 0.3 * 0.4]
    )
    with pytest.raises(InputError, match="1 of 2 cells"):
        align_topics(cells, regions, ["a", "c"], ["s"])


def test_regions_without_topics_take_no_part(caplog):
    names = pd.Index(["r", "s", "t"])
    atac = anndata.AnnData(
        sp.csr_matrix(np.eye(3, dtype=np.float32)), var=pd.DataFrame(index=names)
    )
    some = pd.DataFrame({"region": ["t", "r"], "topic_1": [0.2, 0.8]})
    with caplog.at_level("INFO"):
        kept = take_regions(atac, some)
    assert kept.var_names.tolist() == ["r", "t"]
    assert kept.X.toarray().tolist() == [[1, 0], [0, 0], [0, 1]]
    assert "2 of 3 regions have topics" in caplog.text
    whole = pd.DataFrame({"region": names, "topic_1": 1 / 3})
    assert take_regions(atac, whole) is atac
    other = pd.DataFrame({"region": ["r", "x"], "topic_1": 0.5})
    with pytest.raises(InputError, match="1 of 2 regions of the topics"):
        take_regions(atac, other)


def test_triplet_ranks_can_weigh_edges(eregulons):
    ranked = eregulons.assign(triplet_rank=np.arange(len(eregulons), 0, -1))
    only = {"tf_gene": 0, "region_gene": 0, "openness": 0, "triplet": 1}
    found = network(ranked, weights=only)
    best = ranked.groupby(["tf", "gene"])["triplet_rank"].min()
    order = [best[pair] for pair in zip(found["tf"], found["gene"], strict=True)]
    assert (
        np.argsort(found["weight"].to_numpy()).tolist()
        == np.argsort(order)[::-1].tolist()
    )
    assert (network(eregulons, weights=only)["weight"] == 0.5).all(), (
        "neutral where triplets have no rank"
    )


def test_binding_and_expression_weigh_edges(eregulons):
    binding = eregulons.assign(tf_region_weight=[1.0, 1.0, 3.0, 2.0, 5.0])
    only = {
        "tf_gene": 0,
        "region_gene": 0,
        "openness": 0,
        "binding": 1,
        "expression": 0,
    }
    found = network(binding, weights=only).set_index(["tf", "gene"])["weight"]
    assert found.rank().to_dict() == {("A", "x"): 1, ("A", "y"): 3, ("B", "x"): 2}

    detected = pd.Series({"A": 0.5, "B": 0.2, "C": 0.9, "x": 0.1, "y": 0.8})
    given = (
        pd.Series({"A_direct_+/+": 0.9, "B_direct_-/+": 0.5, "C_direct_+/+": 0.2}),
        detected,
        pd.Series({"r1": 2.0, "r2": 0.5, "r3": 4.0}),
        pd.Series({"r1": 3, "r2": 3, "r3": 1}),
    )
    settings = SETTINGS | {"weights": only | {"binding": 0, "expression": 1}}
    found = build_cell_type_grn(eregulons, *given, **settings)
    weight = found.set_index(["tf", "gene"])["weight"]
    assert weight["A", "y"] > weight["A", "x"] == weight["B", "x"]
