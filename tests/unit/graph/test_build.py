"""From the tables of the network stage to a graph: names of cell types, signs."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.graph.build import (
    keep_regulators,
    number_eregulons,
    number_pairs,
    read_networks,
)

GRN = pd.DataFrame(
    {
        "tf": ["T"],
        "gene": ["G"],
        "weight": [0.5],
        "sign": [1],
        "regions": [["r"]],
        "eregulons": [["e"]],
    }
).assign(evidence="prior:x")


def test_networks_go_by_the_name_of_the_cell_type_not_of_its_file(tmp_path):
    """The cells carry `CD4 T`, its file is CD4_T.parquet: by the file's name no cell would find its graph."""
    io.write_table(GRN, tmp_path / "CD4_T.parquet", "cell_type_grn")
    assert list(read_networks(tmp_path, pd.Series(["CD4 T", "CD4 T"]))) == ["CD4 T"]
    with pytest.raises(InputError, match="NK"):
        read_networks(tmp_path, pd.Series(["CD4 T", "NK"]))


def test_edges_of_a_repressing_eregulon_are_negative_even_where_the_correlation_says_nothing():
    names = ["T_direct_+/+", "T_direct_-/+"]
    triplets = pd.DataFrame(
        {"eregulon": names, "tf": "T", "gene": ["A", "B"], "tf_gene_weight": 1.0}
    )
    triplets["tf_gene_rho"] = [-0.01, 0.0]
    genes = pd.DataFrame({"gene": ["T", "A", "B"], "node": [0, 1, 2]})
    active = ad.AnnData(np.zeros((1, 2), np.float32), var=pd.DataFrame(index=names))
    active.layers["active"] = sp.csr_matrix(np.ones((1, 2), bool))
    active.var["threshold"] = 0.1
    edges, *_ = number_eregulons(triplets, active, genes)
    assert dict(zip(edges["gene"], edges["sign"], strict=True)) == {1: 1, 2: -1}


def test_eregulons_are_weighted_by_rank_and_keep_all_members_and_their_thresholds():
    """Known targets without a weight do not vanish; members outside the vocabulary still tell the activity."""
    names = ["S_direct_+/+", "T_direct_+/+", "U_direct_+/+"]
    triplets = pd.DataFrame(
        {
            "eregulon": [names[1]] * 5 + [names[2]],
            "tf": ["T"] * 5 + ["U"],
            # A by two regions; X and U are not in the vocabulary
            "gene": ["A", "A", "B", "C", "X", "A"],
            "tf_gene_weight": [0.0, 0.0, 0.0, 9.0, 0.5, 1.0],
            "tf_gene_rho": 0.1,
        }
    )
    genes = pd.DataFrame({"gene": ["T", "A", "B", "C"], "node": range(4)})
    active = ad.AnnData(
        np.zeros((2, 3), np.float32),
        var=pd.DataFrame({"threshold": [0.1, 0.2, 0.3]}, index=names),
    )
    active.layers["active"] = sp.csr_matrix(
        np.array([[True, True, True], [False, False, True]])
    )
    edges, activity, _, members, thresholds = number_eregulons(triplets, active, genes)
    # (T, A), (T, B) share ranks 1 and 2 of 5, (T, X) has 3, (U, A) 4, (T, C) 5
    assert dict(zip(edges["gene"], edges["weight"], strict=True)) == pytest.approx(
        {1: 0.3, 2: 0.3, 3: 1.0}
    )
    assert members.to_dict("list") == {
        "eregulon": [1, 1, 1, 1],
        "gene": ["A", "B", "C", "X"],
    }
    assert thresholds.to_dict("list") == {"eregulon": [1], "threshold": [0.2]}
    assert len(activity) == 1


def test_known_targets_are_numbered_and_none_is_refused(tmp_path):
    known = pd.DataFrame({"tf": ["T", "T", "X"], "gene": ["B", "X", "B"], "sign": -1})
    path = tmp_path / "prior.parquet"
    io.write_table(
        known.assign(sources="a", chip=False, chip_only=False), path, "prior"
    )
    genes = pd.DataFrame({"gene": ["T", "A", "B"], "node": range(3)})
    expected = {"tf": [0], "gene": [2], "sign": [-1]}
    assert number_pairs(path, genes).to_dict("list") == expected
    with pytest.raises(InputError, match="no pair of two genes"):
        number_pairs(path, genes[:2])


def test_a_gene_keeps_its_best_regulators_in_each_cell_type():
    edges = pd.DataFrame(
        {
            "cell_type": ["x", "x", "x", "y", "y"],
            "tf": [0, 1, 2, 0, 1],
            "gene": [5, 5, 5, 5, 6],
            "weight": [0.1, 0.9, 0.9, 0.1, 0.2],
            "sign": 1,
        }
    )
    kept = keep_regulators(edges, 1)
    assert kept[["cell_type", "tf"]].to_numpy().tolist() == [
        ["x", 1],
        ["y", 0],
        ["y", 1],
    ]
    assert keep_regulators(edges, None).equals(edges)

    # of eRegulons, both of a TF's edges to the gene are one regulator
    held = edges.rename(columns={"cell_type": "eregulon"}).assign(tf=[0, 1, 1, 2, 2])
    assert keep_regulators(held, 1)["tf"].tolist() == [1, 1, 2]


def test_an_edge_of_a_cell_weighs_what_is_asked_for():
    names = ["T_direct_+/+"]
    triplets = pd.DataFrame(
        {
            "eregulon": names[0],
            "tf": "T",
            "gene": ["A", "B"],
            "tf_gene_weight": [2.0, 1],
        }
    ).assign(tf_gene_rho=0.1, tf_region_weight=[0.5, 3.0])
    genes = pd.DataFrame({"gene": ["T", "A", "B"], "node": [0, 1, 2]})
    active = ad.AnnData(np.zeros((1, 1), np.float32), var=pd.DataFrame(index=names))
    active.layers["active"] = sp.csr_matrix(np.ones((1, 1), bool))
    active.var["threshold"] = 0.1
    for weight, expected in {"tf_gene": [1.0, 0.5], "binding": [0.5, 1.0]}.items():
        edges, *_ = number_eregulons(triplets, active, genes, None, weight)
        assert edges["weight"].tolist() == expected
