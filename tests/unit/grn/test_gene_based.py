"""eRegulons and cell-type GRNs of regulons that name genes alone."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.grn.cell_type.edges import build_cell_type_grn, edge_signs
from grnformer.grn.eregulons.gene_based import build_gene_based, without_regions


def cistromes(**genes_of):
    rows = [
        {"tf": key.split("_")[0], "region": "", "gene": gene, "annotation": "direct",
         "evidence": "cistarget_genes:m1", "sign": -1 if key.endswith("_down") else 1, "score": 4.0}
        for key, genes in genes_of.items()
        for gene in genes.split()
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def tf_gene():
    return pd.DataFrame(
        {
            "tf": ["A"] * 3 + ["B"],
            "gene": ["g1", "g2", "g3", "g1"],
            "importance": [5.0, 4.0, 3.0, 2.0],
            "rho": [0.5, 0.2, -0.1, 0.4],
        }
    )


def build(table, tf_gene, **changes):
    return build_gene_based(
        table,
        tf_gene,
        ["A", "B", "C"],
        **{"sign_pairs": ["+/+", "-/+"], "min_targets": 2} | changes,
    )


def test_a_regulon_of_genes_is_an_eregulon_as_it_is(tf_gene):
    eregulons, funnel = build(cistromes(A="g1 g2 g7", A_down="g3 g4", B="g1"), tf_gene)
    contracts.check(eregulons, "eregulons", "here")
    contracts.check(funnel, "funnel", "here")
    genes = eregulons.groupby("eregulon")["gene"].agg(list).to_dict()
    # B has too few
    assert genes == {"A_direct_+/0": ["g1", "g2", "g7"], "A_direct_-/0": ["g3", "g4"]}
    # in no table: 0
    assert eregulons["tf_gene_weight"].tolist() == [5.0, 4.0, 0.0, 3.0, 0.0]
    assert (eregulons["region"] == "").all()
    assert edge_signs(eregulons["eregulon"]).tolist() == [1, 1, 1, -1, -1]
    assert funnel["tfs"].tolist() == [3, 2, 2, 2, 2, 1]
    assert funnel["pairs"].tolist() == [0, 6, 6, 6, 6, 5]


def test_signs_not_asked_for_are_left_out(tf_gene):
    eregulons, _ = build(
        cistromes(A="g1 g2", A_down="g3 g4"), tf_gene, sign_pairs=["+/+"]
    )
    assert eregulons["eregulon"].unique().tolist() == ["A_direct_+/0"]


def test_cistromes_with_and_without_regions_do_not_mix():
    mixed = cistromes(A="g1 g2")
    mixed.loc[0, "region"] = "chr1:0-5"
    with pytest.raises(InputError, match="1 of 2 rows of the cistromes have no region"):
        without_regions(mixed)
    assert without_regions(cistromes(A="g1 g2"))
    assert not without_regions(mixed[:1])


def test_openness_neither_drops_nor_weighs_genes_without_a_region(tf_gene):
    eregulons, _ = build(cistromes(A="g1 g2"), tf_gene)
    placed = eregulons.assign(
        eregulon="B_direct_+/+",
        tf="B",
        region=["r1", "r2"],
        region_gene_weight=[0.4, 0.1],
        tf_gene_weight=1.0,
    )
    network = build_cell_type_grn(
        pd.concat([eregulons, placed]),
        pd.Series({"A_direct_+/0": 0.5, "B_direct_+/+": 0.5}),
        pd.Series({"A": 1.0, "B": 1.0}),
        openness=pd.Series({"r1": 2.0, "r2": 0.1}),
        open_cells=pd.Series({"r1": 9, "r2": 9}),
        min_rss_quantile=0.0,
        min_tf_cells=0.0,
        min_openness=1.0,
        min_open_cells=1,
        weights={"tf_gene": 0, "region_gene": 1, "openness": 1},
    )
    contracts.check(network, "cell_type_grn", "here")
    # r2 is shut
    assert network[["tf", "gene"]].to_numpy().tolist() == [
        ["A", "g1"],
        ["A", "g2"],
        ["B", "g1"],
    ]
    assert network["regions"].tolist() == [[], [], ["r1"]]
    np.testing.assert_allclose(network["weight"], [0.5, 0.5, 1.0])
