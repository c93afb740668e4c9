"""Networks beside each other: identical ones agree, planted differences are counted, ranks as in scipy."""

import dataclasses

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import spearmanr

from grnformer.bench.compare import (
    STEPS,
    Networks,
    compare_importances,
    compare_networks,
    costly_rules,
    jaccard,
)
from grnformer.core import contracts
from grnformer.core.contracts import SCHEMAS
from grnformer.core.errors import InputError
from grnformer.report.sections.comparison import comparison_section, differing_settings
from grnformer.settings.read import config_schema
from grnformer.workflow.originals import is_original

NAMES = ("ours", "theirs")


def network(rng: np.random.Generator) -> Networks:
    pairs = [(f"T{i}", f"g{j}") for i in range(4) for j in range(30)]
    tf_gene = pd.DataFrame(pairs, columns=["tf", "gene"]).assign(
        importance=rng.random(120)
    )
    eregulons = tf_gene.sample(40, random_state=1).assign(region="r1")
    eregulons["eregulon"] = eregulons["tf"] + "_direct_+/+"
    sets = sorted(eregulons["eregulon"].unique())
    auc = rng.random((20, len(sets))).astype(np.float32)
    activity = anndata.AnnData(
        auc, obs=pd.DataFrame(index=[f"c{i}" for i in range(20)]), var=pd.DataFrame(index=sets),
        layers={"active": sp.csr_matrix(auc > 0.5)},
    )  # fmt: skip
    accuracy = pd.DataFrame(
        {
            "task": ["all", "K562"],
            "metric": "auprc_ratio",
            "arm": "tf_gene",
            "estimate": [1.2, 9.0],
        }
    )
    costs = {
        rule: pd.DataFrame({"s": [10.0], "cpu_time": [8.0], "max_rss": [100.0]})
        for rule in STEPS.values()
    }
    return Networks(
        tf_gene,
        eregulons,
        {"A": eregulons, "B": eregulons[:10]},
        activity,
        accuracy,
        costs,
    )


@pytest.fixture
def ours() -> Networks:
    return network(np.random.default_rng(0))


def row(table: pd.DataFrame, part: str, what: str) -> pd.Series:
    return table.set_index(["part", "what"]).loc[(part, what)]


def test_agreement_of_sets_is_shared_over_all() -> None:
    assert jaccard({1, 2, 3}, {3, 4}) == 0.25
    assert np.isnan(jaccard(set(), set()))


def test_a_network_agrees_with_itself(ours: Networks) -> None:
    table = compare_networks(ours, ours, NAMES)
    contracts.check(table, "network_comparison", where="here")
    pd.testing.assert_series_equal(table["left"], table["right"], check_names=False)
    measured = table["agreement"].dropna()
    assert len(measured) == 11
    np.testing.assert_allclose(measured, 1, atol=1e-9)


def test_planted_differences_are_counted(ours: Networks) -> None:
    gone = ours.eregulons.sort_values("tf")
    fewer = gone[gone["tf"] != "T0"]
    changed = dataclasses.replace(
        ours,
        eregulons=fewer,
        cell_types={"A": ours.cell_types["A"][:20], "C": ours.cell_types["B"]},
        accuracy=ours.accuracy.assign(estimate=2.5),
        costs={
            **ours.costs,
            "run_arboreto": pd.DataFrame(
                {"s": [100.0], "cpu_time": ["NA"], "max_rss": [50.0]}
            ),
        },
    )
    changed.activity.layers["active"] = ours.activity.layers["active"].copy()
    table = compare_networks(ours, changed, NAMES)
    tfs = row(table, "eRegulons", "TFs")
    assert (tfs["left"], tfs["right"], tfs["agreement"]) == (4, 3, 0.75)
    assert row(table, "eRegulons", "TF-gene edges")["agreement"] == pytest.approx(
        len(fewer) / 40
    )
    assert row(table, "cell-type GRN", "edges in A")["agreement"] == 0.5
    assert set(table.loc[table["part"] == "cell-type GRN", "what"]) == {"edges in A"}
    assert row(table, "cell activity", "eRegulons of the same genes")["left"] == 3
    assert row(table, "accuracy", "AUPRC of tf_gene")[["left", "right"]].tolist() == [
        1.2,
        2.5,
    ]
    wall = row(table, "cost", "TF-gene importance: wall time")
    assert wall[["left", "right"]].tolist() == [10, 110]
    assert row(table, "cost", "TF-gene importance: peak memory")["right"] == 100
    assert np.isnan(row(table, "cost", "TF-gene importance: CPU time")["right"])


def test_any_other_rule_is_a_cost_of_the_cistromes(ours: Networks) -> None:
    """As of a method that came with a rule of its file."""
    more = ours.costs | {"look_around": ours.costs["build_cistromes"]}
    table = compare_networks(
        ours, dataclasses.replace(ours, costs=more), NAMES
    ).set_index("what")
    assert table.loc["cistromes: wall time", ["left", "right"]].tolist() == [10, 20]


def test_costs_of_parts_are_added_up(ours: Networks) -> None:
    parts = {f"infer_tf_gene.{i}-of-2": ours.costs["infer_tf_gene"] for i in (1, 2)}
    table = compare_networks(
        ours, dataclasses.replace(ours, costs={**ours.costs, **parts}), NAMES
    )
    assert row(table, "cost", "TF-gene importance: wall time")[
        ["left", "right"]
    ].tolist() == [10, 30]


def test_noise_lowers_the_correlation_of_activity(ours: Networks) -> None:
    noisy = ours.activity.copy()
    noisy.X = ours.activity.X + np.random.default_rng(1).normal(
        0, 0.3, ours.activity.shape
    ).astype(np.float32)
    table = compare_networks(ours, dataclasses.replace(ours, activity=noisy), NAMES)
    found = row(table, "cell activity", "median Pearson's r of an eRegulon's AUCs")[
        "agreement"
    ]
    expected = [
        np.corrcoef(ours.activity.X[:, i], noisy.X[:, i])[0, 1]
        for i in range(ours.activity.n_vars)
    ]
    assert found == pytest.approx(np.median(expected), abs=1e-6)
    assert 0.3 < found < 0.95


def test_importances_are_compared_over_all_pairs_of_either() -> None:
    rng = np.random.default_rng(2)
    dense = [
        np.where(rng.random((40, 6)) < 0.5, rng.random((40, 6)), 0) for _ in range(2)
    ]
    dense[1][:5] = dense[0][:5]
    tables = []
    for matrix in dense:
        gene, tf = np.nonzero(matrix)
        names = {"tf": [f"T{i}" for i in tf], "gene": [f"g{i:02d}" for i in gene]}
        tables.append(
            pd.DataFrame(names | {"importance": matrix[gene, tf]}).sample(
                frac=1, random_state=0
            )
        )
    rho, shared = compare_importances(*tables)
    assert rho == pytest.approx(
        spearmanr(dense[0].ravel(), dense[1].ravel()).statistic, abs=1e-6
    )
    best = [
        set(np.argsort(-matrix.ravel(), kind="stable")[:12].tolist())
        for matrix in dense
    ]
    assert shared == pytest.approx(len(best[0] & best[1]) / 12)


def test_pairs_without_importance_are_no_top() -> None:
    """Two tables that share no pair agree on none, though most pairs have importance 0 in both."""
    left = pd.DataFrame(
        {"tf": "T", "gene": [f"g{i}" for i in range(100)], "importance": 0.0}
    )
    right = left.copy()
    left.loc[0, "importance"] = right.loc[1, "importance"] = 1.0
    assert compare_importances(left, right)[1] == 0
    assert compare_importances(left, left)[1] == 1


def test_other_cells_are_refused(ours: Networks) -> None:
    other = dataclasses.replace(ours, activity=ours.activity[::-1].copy())
    with pytest.raises(InputError, match="20 of them the same"):
        compare_networks(ours, other, NAMES)


def test_the_rules_of_every_method_are_counted(config) -> None:
    """With what runs before the step's rule: originals, and the rules that a cistrome method names."""
    schema = config_schema()["properties"]["grn"]["properties"]
    workflow = (SCHEMAS.parent / "rules" / "grn.smk").read_text()
    assert costly_rules(config["grn"]) == [
        "infer_tf_gene",
        "build_cistromes",
        "score_cell_activity",
    ]
    seen = set()
    for part in ("tf_gene", "cistromes", "cell"):
        for method in schema[part]["properties"]["method"]["enum"]:
            rules = costly_rules(
                {**config["grn"], part: {**config["grn"][part], "method": method}}
            )
            assert all(f"rule {rule}:" in workflow for rule in rules)
            seen.update(rules)
            if is_original(f"grn.{part}.method", method):
                assert any(rule.startswith("run_") for rule in rules), method
    assert seen > {
        "run_arboreto",
        "run_pyscenic_aucell",
        "scan_motifs",
        "score_promoter_motifs",
    }


def test_the_section_names_what_differs(ours: Networks, config) -> None:
    other = config | {
        "grn": config["grn"]
        | {"cell": config["grn"]["cell"] | {"method": "pyscenic_aucell"}}
    }
    assert differing_settings(config, other) == (
        "grn.cell.method: aucell / pyscenic_aucell",
    )
    more = config | {"prep": config["prep"] | {"only_theirs": 1}}
    assert differing_settings(config, more) == ("prep.only_theirs: None / 1",)
    section = comparison_section(
        compare_networks(ours, ours, NAMES), {"ours": config, "theirs": other}
    )
    assert section.blocks[0].items == ("grn.cell.method: aucell / pyscenic_aucell",)
    assert section.blocks[1].name == "network_comparison"
