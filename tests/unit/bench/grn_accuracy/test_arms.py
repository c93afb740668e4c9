import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.bench.grn_accuracy.arms import (
    binding_arm,
    informed_arm,
    joined_arm,
    network_arm,
    weighted_arm,
)
from grnformer.bench.grn_accuracy.baselines import (
    accessibility_expression,
    map_promoters,
    pearson_arm,
    random_arm,
    weigh_links,
)

GENES = ["A", "B", "C", "D"]


def test_network_takes_the_largest_weight_and_is_silent_about_other_tfs():
    edges = pd.DataFrame(
        {"tf": ["A"] * 4, "gene": ["B", "B", "C", "X"], "weight": [1.0, 3.0, 2.0, 9.0]}
    )
    arm = network_arm("n", "model", edges, "weight", GENES)
    assert arm.score("A").tolist() == [0, 3, 2, 0]
    assert arm.score("B") is None


def test_pearson_against_numpy():
    matrix = np.random.default_rng(0).poisson(1.0, (50, 4)).astype(float)
    matrix[:, 3] = 2.0
    arm = pearson_arm("p", sp.csr_matrix(matrix), GENES)
    np.testing.assert_allclose(arm.score("A")[:3], np.corrcoef(matrix[:, :3].T)[0])
    assert arm.score("A")[3] == -1
    assert arm.score("D") is None  # does not vary
    assert arm.score("X") is None  # not detected


def test_promoters_by_hand():
    regions = pd.DataFrame(
        {
            "chrom": ["chr1", "chr1", "chr2"],
            "start": [100, 1200, 100],
            "end": [200, 1300, 200],
        }
    )
    tss = pd.DataFrame(
        {
            "gene": ["A", "A", "B", "C"],
            "chrom": ["chr1", "chr1", "chr1", "chr2"],
            "tss": [150, 160, 1100, 300],
        }
    )
    found = map_promoters(regions, tss, GENES, 100).toarray()
    # region 1 starts 100 bp after B's TSS; region 2 ends at 199, 101 bp before C's
    np.testing.assert_array_equal(found, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    assert map_promoters(regions, tss, GENES, 101).toarray()[2, 2] == 1


def test_baseline_is_the_mean_of_two_percentile_ranks():
    expression, accessibility = (
        sp.csr_matrix([[3.0, 1, 2, 0], [3, 1, 2, 0]]),
        sp.csr_matrix([[1.0, 0], [1, 1]]),
    )
    promoter_of = sp.csr_matrix([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    found = accessibility_expression(expression, accessibility, promoter_of)
    np.testing.assert_allclose(
        found, [(4 + 4) / 8, (2 + 3) / 8, (3 + 1.5) / 8, (1 + 1.5) / 8]
    )


def test_binding_gives_zero_where_there_is_no_sequence_and_adds_to_the_floors_log_odds():
    table = pd.DataFrame({"gene": ["C", "A", "X"], "TF1": [2.0, -1.0, 5.0]})
    arm = binding_arm("b", table, GENES)
    assert arm.score("TF1").tolist() == [-1, 0, 2, 0]
    assert arm.score("TF2") is None
    assert arm.score("gene") is None
    joined = weighted_arm("j", arm, np.array([4.0, 2.0, 3.0, 1.0]), 3.0)
    odds = np.array([7 / 1, 3 / 5, 5 / 3, 1 / 7])
    np.testing.assert_allclose(
        joined.score("TF1"), np.log(odds) + np.array([-3, 0, 6, 0])
    )
    assert joined.score("TF2") is None


def test_known_pairs_add_log_odds_once():
    arm = binding_arm(
        "b",
        pd.DataFrame({"gene": GENES, "TF1": [1.0, 2, 3, 4], "TF2": [0.0] * 4}),
        GENES,
    )
    pairs = pd.DataFrame(
        {"tf": ["TF1", "TF1", "TF1", "TF3"], "gene": ["B", "B", "X", "A"]}
    )
    known = informed_arm("k", arm, pairs, GENES, 0.5)
    assert known.score("TF1").tolist() == [1, 2.5, 3, 4]
    assert known.score("TF2").tolist() == [0, 0, 0, 0]
    assert known.score("TF3") is None
    assert arm.score("TF1").tolist() == [1, 2, 3, 4]


def test_links_fall_with_distance():
    links = pd.DataFrame(
        {
            "region": ["r1", "r2", "r9"],
            "gene": ["A", "D", "A"],
            "distance": [0, -1000, 5],
        }
    )
    found = weigh_links(links, pd.Index(["r1", "r2"]), GENES, 1000.0).toarray()
    np.testing.assert_allclose(found, [[1, 0, 0, 0], [0, 0, 0, np.exp(-1)]])


def test_joined_arm_lifts_edges_over_the_baseline():
    edges = pd.DataFrame({"tf": ["A"], "gene": ["D"], "weight": [1.0]})
    arm = joined_arm(
        network_arm("n", "model", edges, "weight", GENES),
        np.array([0.4, 0.3, 0.2, 0.1]),
    )
    assert arm.name == "n_and_baseline"
    np.testing.assert_allclose(
        arm.score("A"),
        [(0.5 + 0.4) / 2, (0.5 + 0.3) / 2, (0.5 + 0.2) / 2, (1 + 0.1) / 2],
    )
    assert arm.score("B") is None


def test_random_scores_are_the_tfs_own_and_repeat():
    arm = random_arm(10, seed=1)
    np.testing.assert_array_equal(arm.score("A"), random_arm(10, seed=1).score("A"))
    assert not np.array_equal(arm.score("A"), arm.score("B"))
    assert arm.score("A") == pytest.approx(arm.score("A"))
