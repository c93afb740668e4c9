"""AUCell against a slow direct implementation and hand-made cases; thresholds; specificity."""

import itertools

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import jensenshannon

from grnformer.core.errors import InputError
from grnformer.grn.activity.activity import score_activity
from grnformer.grn.activity.mixture import find_threshold, intersection
from grnformer.grn.activity.pyscenic_aucell import take
from grnformer.grn.activity.recovery import choose_rank_cutoff, score_cells
from grnformer.grn.activity.rss import score_specificity, specificity

MIXTURE = {"min_separation": 2.0, "min_weight": 0.05, "max_overlap": 0.1, "seed": 1}


def recovery_auc(ranked: np.ndarray, members: set[int], rank_cutoff: int) -> float:
    """pySCENIC's AUC, step by step: the recovery curve of the genes `ranked` from best to worst, and its area.

    ctxcore sums the curve over the ranks below rank_cutoff - 1 and divides by rank_cutoff times the set's size.
    """
    curve = np.cumsum([gene in members for gene in ranked])
    return curve[: rank_cutoff - 1].sum() / (rank_cutoff * len(members))


def as_matrix(sets: list[set[int]], n_genes: int) -> sp.csc_matrix:
    matrix = np.zeros((n_genes, len(sets)))
    for column, members in enumerate(sets):
        matrix[sorted(members), column] = 1
    return sp.csc_matrix(matrix)


def test_without_ties_the_score_is_pyscenics() -> None:
    rng = np.random.default_rng(3)
    expression = rng.permuted(np.tile(np.arange(1.0, 201), (12, 1)), axis=1)
    sets = [
        set(rng.choice(200, size, replace=False).tolist()) for size in (1, 5, 40, 200)
    ]
    found = score_cells(sp.csr_matrix(expression), as_matrix(sets, 200), 30)
    expected = [
        [recovery_auc(np.argsort(-row), members, 30) for members in sets]
        for row in expression
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_outliers_do_not_disturb_the_selection_of_the_best() -> None:
    """Values over many orders of magnitude fall into one bin of the histogram behind the selection."""
    rng = np.random.default_rng(8)
    expression = np.exp(rng.normal(0, 8, (6, 400)))
    expression[1] *= 1e30
    expression[1, 7] = np.inf
    expression[5] *= 1e-300
    expression[2, :300], expression[2, 399] = 0, 1e20
    stored = sp.csr_matrix(np.ones_like(expression))
    stored.data = expression.ravel()  # its zeros among them
    sets = [set(rng.choice(400, size, replace=False).tolist()) for size in (3, 40)]
    found = score_cells(stored, as_matrix(sets, 400), 20)
    expected = [
        [recovery_auc(np.argsort(-row), members, 20) for members in sets]
        for row in expression
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_values_that_have_no_rank_are_told() -> None:
    for value in (-1.0, np.nan):
        with pytest.raises(InputError, match="expression as low as"):
            score_cells(sp.csr_matrix([[value, 2.0, 3.0]]), as_matrix([{0}], 3), 2)


@pytest.mark.parametrize("rank_cutoff", [2, 4, 6])
def test_ties_score_the_mean_over_all_their_orders(rank_cutoff) -> None:
    row = np.array([2.0, 0, 1, 1, 0, 0])
    sets = [{0, 2}, {3, 4}, {1, 4, 5}]
    found = score_cells(sp.csr_matrix(row[None]), as_matrix(sets, 6), rank_cutoff)[0]
    orders = [
        o
        for o in itertools.permutations(range(6))
        if all(row[a] >= row[b] for a, b in itertools.pairwise(o))
    ]
    expected = [
        np.mean([recovery_auc(np.array(o), members, rank_cutoff) for o in orders])
        for members in sets
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_scores_by_hand() -> None:
    """Four genes, cut-off 3: the best gene adds 2, the second 1, of at most 3 x 1."""
    cells = sp.csr_matrix([[4.0, 3, 2, 1], [0, 0, 0, 5], [0, 0, 0, 0]])
    found = score_cells(cells, as_matrix([{0}, {1}, {3}], 4), 3)
    np.testing.assert_allclose(
        found, [[2 / 3, 1 / 3, 0], [1 / 9, 1 / 9, 2 / 3], [0.25] * 3], atol=1e-6
    )


def test_order_of_genes_and_monotone_scaling_change_nothing() -> None:
    rng = np.random.default_rng(4)
    counts = rng.poisson(0.4, (20, 50)).astype(float)
    sets = as_matrix([set(range(5)), set(range(3, 20))], 50)
    one = score_cells(sp.csr_matrix(counts), sets, 8)
    order = rng.permutation(50)
    np.testing.assert_allclose(
        one, score_cells(sp.csr_matrix(counts[:, order]), sets[order], 8), atol=1e-7
    )
    np.testing.assert_allclose(
        one, score_cells(sp.csr_matrix(np.log1p(counts)), sets, 8), atol=1e-7
    )


def test_blocks_of_cells_and_stored_zeros_change_nothing(monkeypatch) -> None:
    dense = np.random.default_rng(4).poisson(0.4, (20, 50)).astype(float)
    counts = sp.csr_matrix(dense)
    sets = as_matrix([set(range(5))], 50)
    whole = score_cells(counts, sets, 8)
    stored = counts.copy()
    stored.data[:] = 0
    np.testing.assert_array_equal(whole, score_cells(counts.astype(np.int32), sets, 8))
    np.testing.assert_array_equal(
        score_cells(sp.csr_matrix((20, 50)), sets, 8), score_cells(stored, sets, 8)
    )
    monkeypatch.setattr("grnformer.grn.activity.recovery._BLOCK", 3)
    np.testing.assert_array_equal(whole, score_cells(counts, sets, 8))


def test_the_cutoff_does_not_exceed_what_cells_detect() -> None:
    detected = np.arange(100, 201)
    assert choose_rank_cutoff(detected, 10_000, 0.05, 0.05) == 105
    assert choose_rank_cutoff(detected, 1_000, 0.05, 0.05) == 50
    with pytest.raises(InputError, match="rank cut-off of 0"):
        choose_rank_cutoff(np.zeros(5, dtype=int), 1_000, 0.05, 0.05)


def test_two_modes_are_cut_where_the_densities_cross() -> None:
    rng = np.random.default_rng(0)
    auc = np.concatenate([rng.normal(0.05, 0.01, 700), rng.normal(0.15, 0.02, 300)])
    found = find_threshold(auc, **MIXTURE)
    expected = intersection(
        np.array([0.05, 0.15]), np.array([0.01, 0.02]) ** 2, np.array([0.7, 0.3])
    )
    assert found.method == "bimodal"
    assert not found.doubtful
    assert found.threshold == pytest.approx(expected, abs=0.005)
    assert (auc > found.threshold).sum() == pytest.approx(300, abs=10)


def test_one_mode_is_cut_two_sd_above_the_mean() -> None:
    rng = np.random.default_rng(1)
    for auc in (
        rng.normal(0.1, 0.02, 1000),
        rng.gamma(2, 0.02, 1000),
        rng.exponential(0.05, 1000),
    ):
        found = find_threshold(auc, **MIXTURE)
        assert found.method == "skewed"
        assert found.threshold == pytest.approx(auc.mean() + 2 * auc.std())
        assert not found.doubtful


def test_equal_scores_have_no_active_cell() -> None:
    found = find_threshold(np.full(50, 0.2), **MIXTURE)
    assert (found.method, found.doubtful) == ("constant", True)
    assert not (np.full(50, 0.2) > found.threshold).any()


def test_overlapping_modes_are_doubtful() -> None:
    rng = np.random.default_rng(2)
    auc = np.concatenate([rng.normal(0.1, 0.02, 500), rng.normal(0.153, 0.02, 500)])
    found = find_threshold(auc, **{**MIXTURE, "max_overlap": 0.02})
    assert found.method == "bimodal"
    assert found.doubtful


def test_the_intersection_solves_the_equation() -> None:
    means, variances, weights = (
        np.array([0.0, 3.0]),
        np.array([1.0, 0.25]),
        np.array([0.6, 0.4]),
    )
    x = intersection(means, variances, weights)
    densities = (
        weights / np.sqrt(variances) * np.exp(-((x - means) ** 2) / (2 * variances))
    )
    assert densities[0] == pytest.approx(densities[1])
    assert intersection(means, np.ones(2), np.array([0.5, 0.5])) == pytest.approx(1.5)
    assert (
        intersection(np.array([0.0, 0.1]), np.ones(2), np.array([0.99, 0.01])) is None
    )


def test_specificity_is_the_formula_of_the_paper() -> None:
    rng = np.random.default_rng(5)
    auc = rng.random((40, 4))
    types = np.array(["a", "b"] * 20)
    auc[:, 1] = types == "a"
    auc[:, 2] = types == "b"
    auc[:, 3] = 0
    found = specificity(auc, types, ["a", "b"])
    for row, name in enumerate(["a", "b"]):
        p, q = auc[:, 0] / auc[:, 0].sum(), (types == name) / 20
        middle = (p + q) / 2
        kl = [
            np.sum(part[part > 0] * np.log(part[part > 0] / middle[part > 0]))
            for part in (p, q)
        ]
        assert found[row, 0] == pytest.approx(1 - np.sqrt(sum(kl) / 2))
        assert found[row, 0] == pytest.approx(1 - jensenshannon(p, q))
    assert found[0, 1] == pytest.approx(1)
    assert found[0, 2] == pytest.approx(1 - np.sqrt(np.log(2)))
    assert (found[:, 3] == 0).all()


def test_thresholds_of_training_cells_know_no_others() -> None:
    """Counts of held-out cells, and genes that training cells lack, change their own activity alone."""
    rate = np.full((120, 80), 0.3)
    rate[:50, :10] = 3
    genes, cells = [f"g{i}" for i in range(80)], [f"c{i}" for i in range(120)]
    eregulons = pd.DataFrame(
        {"eregulon": "A_direct_+/+", "tf": "A", "gene": genes[:10]}
    )
    settings = {
        "auc_threshold": 0.2,
        "detected_quantile": 0.05,
        "method": "aucell",
        **MIXTURE,
    }

    def score(
        heldout_rate: float, strict: bool
    ) -> tuple[anndata.AnnData, pd.DataFrame]:
        values = np.random.default_rng(1).poisson(rate)
        values[90:] = np.random.default_rng(2).poisson(heldout_rate, (30, 80))
        rna = anndata.AnnData(
            sp.csr_matrix(values.astype(np.float32)), obs=pd.DataFrame({"cell_type": "a"}, index=cells),
            var=pd.DataFrame(index=genes),
        )  # fmt: skip
        training = rna[:90, :70] if strict else None
        return score_activity(rna, eregulons, None, training, **settings)

    few, thresholds = score(0.05, strict=True)
    many, again = score(5, strict=True)
    assert few.n_obs == 120, "held-out cells have their activity"
    pd.testing.assert_frame_equal(thresholds, again, check_exact=True)
    assert few.uns["rank_cutoff"] == many.uns["rank_cutoff"]
    assert (few.X[:90] == many.X[:90]).all()
    assert (few.X[90:] != many.X[90:]).any()
    assert thresholds["n_cells"].tolist() == [90]
    # the leak put in
    leaky = [score(heldout_rate, strict=False)[1] for heldout_rate in (0.05, 5)]
    assert leaky[0]["threshold"][0] != leaky[1]["threshold"][0]


def test_a_planted_program_is_active_in_its_cells() -> None:
    rng = np.random.default_rng(6)
    rate = np.full((200, 300), 0.15)
    rate[:80, :20] = 2.5
    rna = anndata.AnnData(
        sp.csr_matrix(np.log1p(rng.poisson(rate)).astype(np.float32)),
        obs=pd.DataFrame(
            {"cell_type": ["a"] * 80 + ["b"] * 120}, index=[f"c{i}" for i in range(200)]
        ),
        var=pd.DataFrame(index=[f"g{i}" for i in range(300)]),
    )
    rows = [("A_direct_+/+", "A", f"g{i}") for i in [*range(20), 0, 1]]
    rows += [("B_direct_+/+", "B", f"g{i}") for i in range(100, 130)]
    eregulons = pd.DataFrame(rows, columns=["eregulon", "tf", "gene"])
    activity, thresholds = score_activity(
        rna,
        eregulons,
        auc_threshold=0.2,
        detected_quantile=0.05,
        method="aucell",
        **MIXTURE,
    )
    assert activity.var["n_genes"].tolist() == [20, 30]
    assert activity.var["tf"].tolist() == ["A", "B"]
    active = activity.layers["active"].toarray()
    assert active[:80, 0].mean() > 0.95
    assert active[80:, 0].mean() < 0.05
    assert active[:, 1].mean() < 0.1
    assert thresholds["n_active"].tolist() == active.sum(axis=0).tolist()
    assert activity.obs["n_active"].tolist() == active.sum(axis=1).tolist()
    seen = (rna.X.toarray()[active[:, 0], :20] > 0).sum(axis=1)
    assert thresholds["genes_seen"][0] == np.median(seen)
    assert not thresholds["doubtful"][0]
    assert activity.uns["rank_cutoff"] <= np.quantile(rna.X.getnnz(axis=1), 0.05)
    best = score_specificity(activity).set_index(["eregulon", "cell_type"])["rss"]
    assert best["A_direct_+/+", "a"] > best["A_direct_+/+", "b"] + 0.2

    with pytest.raises(InputError, match="not in the data, first 'nowhere'"):
        score_activity(
            rna,
            eregulons.replace("g19", "nowhere"),
            auc_threshold=0.2,
            detected_quantile=0.05,
            method="aucell",
            **MIXTURE,
        )


def test_a_call_on_one_gene_is_doubtful() -> None:
    rng = np.random.default_rng(7)
    counts = np.zeros((100, 100))
    counts[:, 20:] = rng.poisson(2, (100, 80))
    # 30 cells, each with one of the set's 20 genes
    counts[np.arange(30), rng.integers(0, 20, 30)] = 9
    rna = anndata.AnnData(
        sp.csr_matrix(counts),
        obs=pd.DataFrame({"cell_type": "a"}, index=[f"c{i}" for i in range(100)]),
        var=pd.DataFrame(index=[f"g{i}" for i in range(100)]),
    )
    eregulons = pd.DataFrame(
        {"eregulon": "A_direct_+/+", "tf": "A", "gene": [f"g{i}" for i in range(20)]}
    )
    _, thresholds = score_activity(
        rna,
        eregulons,
        auc_threshold=0.3,
        detected_quantile=0.05,
        method="aucell",
        **MIXTURE,
    )
    assert thresholds[["method", "n_active", "genes_seen", "doubtful"]].iloc[
        0
    ].tolist() == ["bimodal", 30, 1, True]


def test_aucs_by_pyscenic_are_taken_cell_by_cell() -> None:
    scored = pd.DataFrame(
        {"cell": ["c2", "c1", "c0"], "B": [0.5, 0.3, 0.1], "A": [0.6, 0.4, 0.2]}
    )
    expression, settings = (
        sp.csr_matrix((3, 510)),
        {"scored": scored, "auc_threshold": 0.05, "detected_quantile": 1},
    )
    auc, cutoff = take(expression, None, ["A", "B"], ["c0", "c1"], None, **settings)
    np.testing.assert_allclose(auc, [[0.2, 0.1], [0.4, 0.3]])
    assert cutoff == 26
    for cells, names in ((["c0", "c9"], ["A"]), (["c0"], ["A", "C"])):
        with pytest.raises(InputError, match="have no AUC by pySCENIC"):
            take(expression, None, names, cells, None, **settings)
