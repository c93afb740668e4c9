"""Frequencies of edges over reruns, the filter on them, and the overlap of runs."""

import pandas as pd
import pytest

from grnformer.core.errors import InputError
from grnformer.grn.stability import (
    TRIPLET,
    add_frequency,
    check_stability_settings,
    collect_keys,
    compare_runs,
    count_stable,
    keep_stable,
    top_rows,
)


def triplets(rows):
    table = pd.DataFrame(rows, columns=TRIPLET)
    return table.assign(tf=table["eregulon"].str[0])


MAIN = triplets(
    [("A_1", "r1", "g1"), ("A_1", "r1", "g2"), ("A_1", "r2", "g1"), ("B_1", "r1", "g1")]
)
RERUNS = [
    triplets([("A_1", "r1", "g1"), ("A_1", "r1", "g2"), ("B_1", "r9", "g1")]),
    triplets([("A_1", "r1", "g1"), ("A_1", "r1", "g2"), ("A_1", "r2", "g2")]),
    triplets([("A_1", "r1", "g1"), ("C_1", "r1", "g1")]),
]


def test_frequency_is_the_fraction_of_reruns_that_hold_the_row():
    table = add_frequency(MAIN, RERUNS, TRIPLET)
    assert table["selection_frequency"].tolist() == pytest.approx([1, 2 / 3, 0, 0])
    assert add_frequency(MAIN, RERUNS[::-1], TRIPLET).equals(table)
    assert "selection_frequency" not in add_frequency(MAIN, [], TRIPLET)


def test_rare_triplets_go_and_eregulons_with_too_few_genes_after_them():
    kept = keep_stable(MAIN, RERUNS, min_frequency=2 / 3, min_targets=2)
    assert kept[TRIPLET].to_numpy().tolist() == [
        ["A_1", "r1", "g1"],
        ["A_1", "r1", "g2"],
    ]
    assert len(keep_stable(MAIN, RERUNS, min_frequency=0, min_targets=5)) == len(MAIN)
    assert keep_stable(MAIN, [], min_frequency=0, min_targets=5) is MAIN
    with pytest.raises(
        InputError,
        match=r"2 genes in a fraction 1 of 3 reruns[\s\S]*lower grn.stability.min_frequency",
    ):
        keep_stable(MAIN, RERUNS, min_frequency=1, min_targets=2)


def test_the_filter_has_its_step_in_the_funnel():
    funnel = pd.DataFrame(
        {
            "step": ["with enough targets"],
            "rule": ["build_eregulons"],
            "tfs": [2],
            "pairs": [3],
        }
    )
    kept = keep_stable(MAIN, RERUNS, min_frequency=2 / 3, min_targets=2)
    last = count_stable(funnel, kept, min_frequency=2 / 3).iloc[-1]
    assert last.tolist() == ["found again by reruns", "filter_eregulons", 1, 2]
    assert count_stable(funnel, kept, min_frequency=0) is funnel


def test_overlap_of_runs():
    weights = pd.DataFrame(
        {"tf": list("AABB"), "gene": list("wxyz"), "importance": [4.0, 3, 2, 1]}
    )
    links = pd.DataFrame(
        {
            "region": list("abcd"),
            "gene": list("wxyz"),
            "importance": [0.4, 0.3, 0.2, 0.1],
        }
    )
    edges = MAIN[["tf", "gene"]].drop_duplicates()
    runs = {
        1: collect_keys(weights, links, MAIN, {"T": edges}, top_fraction=0.5),
        2: collect_keys(
            weights.assign(importance=[4.0, 1, 2, 3]),
            links,
            RERUNS[0],
            {"T": edges},
            top_fraction=0.5,
        ),
        5: collect_keys(weights, links, RERUNS[2], {}, top_fraction=0.5),
    }
    table = compare_runs(runs).set_index(["what", "seed", "other_seed"])["jaccard"]
    # A-w; against A-w, A-x and A-w, B-z
    assert table["tf_gene_top", 1, 2] == pytest.approx(1 / 3)
    assert table["tf_gene_top", 1, 5] == 1
    assert table["region_gene_top", 1, 2] == 1
    assert table["eregulon_triplets", 1, 2] == pytest.approx(2 / 5)
    assert table["eregulon_pairs", 1, 2] == 1
    assert table["eregulons", 1, 5] == pytest.approx(1 / 3)
    assert table["cell_type_edges", 1, 2] == 1
    assert table["cell_type_edges", 1, 5] == 0
    assert len(table) == 6 + 6 + 6


def settings(seeds, least=0.0, tf_gene="hist_boosting", cistromes="prior"):
    return {
        "seed": 1, "stability": {"seeds": seeds, "min_frequency": least}, "tf_gene": {"method": tf_gene},
        "cell": {"method": "aucell"}, "cistromes": {"method": cistromes},
    }  # fmt: skip


def test_settings_that_cannot_be_meant_are_refused():
    check_stability_settings(settings([]))
    check_stability_settings(settings([2, 3], 0.5))
    check_stability_settings(settings([], tf_gene="arboreto_grnboost2"))
    with pytest.raises(InputError, match=r"holds grn\.seed, 1"):
        check_stability_settings(settings([1, 2]))
    with pytest.raises(InputError, match=r"grn.stability.seeds is empty"):
        check_stability_settings(settings([], 0.5))
    with pytest.raises(InputError, match=r"\[2\] with arboreto_grnboost2"):
        check_stability_settings(settings([2], tf_gene="arboreto_grnboost2"))
    with pytest.raises(InputError, match=r"\[2\] with cistarget_genes"):
        check_stability_settings(settings([2], cistromes="cistarget_genes"))
    check_stability_settings(settings([], cistromes="cistarget_genes"))


def test_ties_for_the_last_of_the_top_rows_are_broken_by_name():
    table = pd.DataFrame(
        {"tf": list("DCBAE"), "gene": list("vwxyz"), "importance": [2.0, 1, 1, 1, 0]}
    )
    for rows in (table, table[::-1]):
        found = top_rows(rows, ["tf", "gene"], 0.6)
        assert sorted(found.itertuples(index=False, name=None)) == [
            ("A", "y"),
            ("B", "x"),
            ("D", "v"),
        ]


def test_repeated_keys_count_once():
    twice = pd.concat([MAIN, MAIN])
    runs = {
        seed: {("eregulon_triplets", ""): table[TRIPLET]}
        for seed, table in {1: twice, 2: MAIN[:3]}.items()
    }
    row = compare_runs(runs).iloc[0]
    assert (row["size"], row["other_size"], row["jaccard"]) == (4, 3, 0.75)
