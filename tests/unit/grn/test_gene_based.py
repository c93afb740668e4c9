"""eRegulons and cell-type GRNs of regulons that name genes alone."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.grn.activity.regions import score_region_activity
from grnformer.grn.cell_type.build import build_cell_type_grns
from grnformer.grn.cell_type.edges import build_cell_type_grn, edge_signs
from grnformer.grn.cistromes import check_without_atac
from grnformer.grn.cistromes.build import build_cistromes
from grnformer.grn.eregulons.build import build_eregulons
from grnformer.grn.eregulons.gene_based import (
    build_gene_based,
    link_genes,
    without_regions,
)
from grnformer.grn.inputs import read_regions
from grnformer.settings.read import complete


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


EREGULONS = complete({})["grn"]["eregulons"] | {
    "min_targets": 3,
    "keep_known_targets": False,
    "sign_from_evidence": False,
}


@pytest.fixture
def ranked():
    """A TF of 40 genes by falling importance, correlated with the first 20."""
    genes = [f"g{i:02d}" for i in range(40)]
    importance = np.r_[np.linspace(2, 1, 20), np.linspace(0.1, 0.01, 20)]
    rho = np.where(np.arange(40) < 20, 0.5, 0.1)
    table = {"tf": "A", "gene": genes, "importance": importance, "rho": rho}
    return pd.DataFrame(table)


@pytest.fixture
def prior():
    """Known targets: among the best, and the last of all."""
    genes = ["g00", "g02", "g04", "g06", "g39"]
    return pd.DataFrame({"tf": "A", "gene": genes, "sign": 0, "sources": "TRRUST"})


def of_rna_alone(prior, genes):
    settings = complete({})["grn"]["cistromes"]["prior"]
    return build_cistromes(
        link_genes(genes),
        ["A"],
        prior,
        None,
        method="prior",
        min_abs_rho=0.1,
        region_set_kinds=["dar"],
        settings=settings,
    )


def test_without_atac_known_targets_in_the_leading_edge_are_an_eregulon(ranked, prior):
    found = of_rna_alone(prior, ranked["gene"])
    contracts.check(found, "cistromes", "here")
    eregulons, funnel = build_eregulons(
        ranked, None, found, ["A"], pruned=False, **EREGULONS
    )
    contracts.check(eregulons, "eregulons", "here")
    contracts.check(funnel, "funnel", "here")
    assert eregulons["eregulon"].unique().tolist() == ["A_direct_+/0"]
    assert eregulons["gene"].tolist() == ["g00", "g02", "g04", "g06"], "not the last"
    assert (eregulons[["region_gene_weight", "region_gene_rho"]] == 0).all(axis=None)
    assert (eregulons["region"] == "").all()


def test_genes_without_regions_are_those_of_one_region_each(ranked, prior):
    links = link_genes(ranked["gene"])
    links["region"] = "chr1:" + links.index.astype(str) + "-9999"
    placed = of_rna_alone(prior, ranked["gene"]).merge(
        links[["gene", "region"]], on="gene", suffixes=("_x", "")
    )
    with_regions, _ = build_eregulons(ranked, links, placed, ["A"], **EREGULONS)
    alone, _ = build_eregulons(
        ranked,
        None,
        of_rna_alone(prior, ranked["gene"]),
        ["A"],
        pruned=False,
        **EREGULONS,
    )
    columns = ["gene", "tf_gene_weight", "tf_gene_rho", "evidence"]
    pd.testing.assert_frame_equal(alone[columns], with_regions[columns])


def test_cell_type_networks_of_rna_alone(ranked, prior):
    found = of_rna_alone(prior, ranked["gene"])
    eregulons, _ = build_eregulons(
        ranked, None, found, ["A"], pruned=False, **EREGULONS
    )
    cells = [f"c{i}" for i in range(6)]
    atac, *topics = read_regions("nowhere.h5mu", [], cells)
    assert atac.shape == (6, 0)
    genes = [*ranked["gene"], "A"]
    types = np.repeat(["x", "y"], 3)
    specificity = pd.DataFrame(
        {"eregulon": "A_direct_+/0", "cell_type": ["x", "y"], "rss": [0.5, 0.4]}
    )
    for openness in ("topics", "observed"):
        settings = complete({})["grn"]["cell_type"] | {"openness": openness}
        networks, summary = build_cell_type_grns(
            eregulons, specificity, genes, [], sp.csr_matrix(np.ones((6, 41))),
            atac.X, types, *topics, **settings,
        )  # fmt: skip
        assert [len(networks[name]) for name in "xy"] == [4, 4]
        assert summary["regions"].tolist() == [0, 0]
    scored = score_region_activity(
        atac, *topics, eregulons, accessibility="topics", auc_threshold=0.05,
        detected_quantile=0.01,
    )  # fmt: skip
    assert scored.shape == (6, 0)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"grn": {"cistromes": {"method": "motif_scan"}}}, "needs no regions: cistarg"),
        (
            {"bench": {"link_accuracy": {"lines": [{"dataset": "pbmc", "cell_type": "T", "line": "K562"}]}}},
            r"bench\.link_accuracy\.lines names it",
        ),
    ],
    ids=["method", "benchmark"],
)  # fmt: skip
def test_what_needs_atac_is_refused_of_rna_alone(section, message):
    configs = {"pbmc": complete(section)}
    check_without_atac(configs, [])
    with pytest.raises(InputError, match=message):
        check_without_atac(configs, ["pbmc"])
    check_without_atac({"pbmc": complete({})}, ["pbmc"])
