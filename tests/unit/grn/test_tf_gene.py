"""The boosting engine against scikit-learn, a planted network, and itself."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import spearmanr
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import average_precision_score
from sklearn.tree import DecisionTreeRegressor

from grnformer.core.errors import InputError
from grnformer.core.methods import load
from grnformer.grn.tf_gene import METHODS
from grnformer.grn.tf_gene.hist_boosting import infer
from grnformer.grn.tf_gene.network import gather_parts, infer_network
from grnformer.grn.tf_gene.spearman import correlate

GRNBOOST2 = {
    "learning_rate": 0.01,
    "max_trees": 5000,
    "max_features": 0.1,
    "subsample": 0.9,
    "max_bins": 64,
    "importance": "trees",
}
N_TFS = 30


@pytest.fixture(scope="module")
def planted():
    """Log1p counts of 400 cells x 70 genes, the first 30 of them TFs; truth is genes x TFs."""
    rng = np.random.default_rng(5)
    truth = np.zeros((70, N_TFS), dtype=bool)
    activity = rng.standard_normal((400, N_TFS))
    log_rate = np.concatenate([activity, rng.normal(-0.5, 0.5, (400, 40))], axis=1)
    for gene in range(N_TFS, 70):
        regulators = rng.choice(N_TFS, 3, replace=False)
        truth[gene, regulators] = True
        log_rate[:, gene] += activity[:, regulators] @ rng.choice([-0.8, 0.8], 3)
    expression = sp.csc_matrix(np.log1p(rng.poisson(np.exp(log_rate))))
    return expression, [f"G{number}" for number in range(70)], truth


def run(planted, targets=None, threads=1, seed=1, **changed):
    expression, genes, _ = planted
    targets = np.arange(N_TFS, 70) if targets is None else targets
    return infer(
        expression,
        genes,
        np.arange(N_TFS),
        targets,
        **{**GRNBOOST2, **changed},
        seed=seed,
        threads=threads,
    )


def grnboost2(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    """GRNBoost2 written plainly with scikit-learn's trees: importances of one target and its number of trees."""
    rng = np.random.default_rng(seed)
    residual = y - y.mean()
    gains, improvement = np.zeros(x.shape[1]), []
    while len(improvement) < 25 or np.mean(improvement[-25:]) >= 0:
        out = np.zeros(y.size, dtype=bool)
        out[rng.choice(y.size, y.size - int(0.9 * y.size), replace=False)] = True
        tree = DecisionTreeRegressor(
            max_depth=3, max_features=0.1, random_state=int(rng.integers(2**31))
        )
        tree.fit(x[~out], residual[~out])
        before = np.mean(residual[out] ** 2)
        residual = residual - 0.01 * tree.predict(x)
        improvement.append(before - np.mean(residual[out] ** 2))
        gains += tree.tree_.compute_feature_importances(normalize=False)
    return gains / gains.sum() * len(improvement), len(improvement)


def test_without_chance_the_engine_is_scikit_learns_boosting(planted) -> None:
    """All cells and all TFs in every tree leave nothing to chance: importances must agree but for residuals of 8 bits.

    Continuous values, because scikit-learn breaks ties between equally good splits by chance.
    """
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((150, 8)) < 0.6, rng.gamma(2.0, size=(150, 8)), 0)
    target = dense[:, 0] * 2 + np.sqrt(dense[:, 1]) + 0.1 * rng.gamma(2.0, size=150)
    expression = sp.csc_matrix(np.column_stack([dense, target]))
    settings = {
        **GRNBOOST2,
        "learning_rate": 0.3,
        "max_trees": 12,
        "max_features": 1.0,
        "subsample": 1.0,
        "max_bins": 255,
    }
    ours = infer(
        expression,
        list("abcdefghi"),
        np.arange(8),
        np.array([8]),
        **settings,
        seed=1,
        threads=1,
    )
    reference = GradientBoostingRegressor(
        n_estimators=12, learning_rate=0.3, max_depth=3, random_state=1
    )
    reference.fit(dense, target)
    # scikit-learn normalises each tree, we the sum over trees as arboreto's pinned version does
    summed = sum(
        tree[0].tree_.compute_feature_importances(normalize=False)
        for tree in reference.estimators_
    )
    np.testing.assert_allclose(
        ours[0], summed / summed.sum() * 12, rtol=0.05, atol=0.05
    )


def test_the_planted_network_is_recovered_as_well_as_by_plain_grnboost2(
    planted,
) -> None:
    expression, _, truth = planted
    targets = np.arange(N_TFS, 50)
    ours = run(planted, targets)
    dense = expression.toarray()
    plain = [
        grnboost2(dense[:, :N_TFS], dense[:, target], seed=target) for target in targets
    ]
    reference = np.array([importances for importances, _ in plain])
    truth = truth[targets]
    ours_auprc = average_precision_score(truth.ravel(), ours.ravel())
    reference_auprc = average_precision_score(truth.ravel(), reference.ravel())
    assert ours_auprc > 5 * truth.mean()
    assert ours_auprc > reference_auprc - 0.03
    assert spearmanr(ours.ravel(), reference.ravel()).statistic > 0.6
    assert ours.sum() == pytest.approx(sum(trees for _, trees in plain), rel=0.2)


def test_threads_and_order_of_targets_change_nothing(planted) -> None:
    one = run(planted)
    np.testing.assert_array_equal(one, run(planted, threads=3))
    order = np.random.default_rng(0).permutation(np.arange(N_TFS, 70))
    np.testing.assert_array_equal(one[order - N_TFS], run(planted, order))


def test_seeds_and_order_of_cells_change_little(planted) -> None:
    expression, genes, truth = planted
    one = run(planted)
    shuffled = (expression[np.random.default_rng(1).permutation(400)], genes, truth)
    for other in (run(planted, seed=2), run(shuffled)):
        assert not np.array_equal(one, other)
        assert spearmanr(one.ravel(), other.ravel()).statistic > 0.6
        assert average_precision_score(
            truth[N_TFS:].ravel(), other.ravel()
        ) == pytest.approx(
            average_precision_score(truth[N_TFS:].ravel(), one.ravel()), abs=0.04
        )


def test_a_tf_never_explains_itself_and_a_constant_gene_has_no_regulator(
    planted,
) -> None:
    expression, genes, truth = planted
    constant = sp.csc_matrix(sp.hstack([expression, sp.csc_matrix((400, 1))]))
    found = run((constant, [*genes, "zero"], truth), np.array([0, 3, 70]))
    assert found[0, 0] == 0
    assert found[1, 3] == 0
    assert (found[:2].sum(axis=1) > 24.99).all()
    assert (found[2] == 0).all()


def test_importances_come_on_the_scale_asked_for(planted) -> None:
    targets = np.array([40, 41])
    trees, share, gain = (
        run(planted, targets, importance=kind) for kind in ("trees", "share", "gain")
    )
    np.testing.assert_allclose(share.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(
        trees, share * np.round(trees.sum(axis=1, keepdims=True)), rtol=1e-4
    )
    np.testing.assert_allclose(gain / gain.sum(axis=1, keepdims=True), share, rtol=1e-4)


def test_correlations_are_scipys() -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(0.7, (60, 9))
    counts[:, 8] = rng.poisson(9, 60) + 1  # no zero at all
    counts[:, 7] = 0
    matrix = sp.csc_matrix(np.log1p(counts))
    expected = spearmanr(counts[:, [0, 1, 2, 3, 4, 5, 6, 8]]).statistic
    found = correlate(matrix, matrix)
    np.testing.assert_allclose(
        np.delete(np.delete(found, 7, 0), 7, 1), expected, atol=1e-6
    )
    assert (found[7] == 0).all()


@pytest.mark.parametrize(
    "method", [name for name in METHODS if not load(METHODS.package, name).environment]
)
def test_the_network_is_a_table_of_named_pairs(planted, method) -> None:
    expression, genes, _ = planted
    rna = anndata.AnnData(expression.tocsr(), var=pd.DataFrame(index=genes))
    rare = genes[35]
    keep = np.ones((400, 70))
    keep[5:, 35] = 0
    rna.X = sp.csr_matrix(rna.X.multiply(keep))
    options = {k: v for k, v in GRNBOOST2.items() if method == "hist_boosting"}
    network = infer_network(
        rna, [*genes[:N_TFS], "absent"],
        method=method, min_cells=10, options=options, part="1-of-1", seed=1, threads=1,
    )  # fmt: skip
    assert list(network.columns) == ["tf", "gene", "importance", "rho"]
    assert rare not in set(network["gene"])
    assert set(network["tf"]) <= set(genes[:N_TFS])
    assert not (network["tf"] == network["gene"]).any()
    assert (network["importance"] > 0).all()
    row = network.iloc[7]
    dense = rna.to_df()
    assert row["rho"] == pytest.approx(
        spearmanr(dense[row["tf"]], dense[row["gene"]]).statistic, abs=1e-5
    )


@pytest.mark.parametrize("method", ["hist_boosting", "coexpression"])
@pytest.mark.parametrize("n_parts", [2, 7, 70])
def test_gathered_parts_are_the_whole_network_bit_for_bit(
    planted, method, n_parts
) -> None:
    expression, genes, _ = planted
    rna = anndata.AnnData(expression.tocsr(), var=pd.DataFrame(index=genes))
    options = {k: v for k, v in GRNBOOST2.items() if method == "hist_boosting"} | (
        {"max_trees": 30} if method == "hist_boosting" else {}
    )
    settings = {"method": method, "min_cells": 1, "options": options, "seed": 1}
    whole = infer_network(rna, genes[:N_TFS], part="1-of-1", threads=2, **settings)
    parts = [
        infer_network(
            rna, genes[:N_TFS], part=f"{i}-of-{n_parts}", threads=1, **settings
        )
        for i in range(1, n_parts + 1)
    ]
    assert max(part["gene"].nunique() for part in parts) <= -(-70 // n_parts)
    pd.testing.assert_frame_equal(gather_parts(parts), whole, check_exact=True)
    with pytest.raises(
        InputError,
        match=r"part 3-of-71 of 70 target genes[\s\S]*--set-scatter targets=70",
    ):
        infer_network(rna, genes[:N_TFS], part="3-of-71", threads=1, **settings)


@pytest.mark.parametrize("method", ["arboreto_grnboost2", "arboreto_genie3"])
def test_what_an_original_found_is_taken_as_it_is(planted, method) -> None:
    expression, genes, _ = planted
    rna = anndata.AnnData(expression.tocsr(), var=pd.DataFrame(index=genes))
    found = pd.DataFrame(
        {"tf": [genes[0], genes[2], genes[0]], "gene": [genes[9], genes[0], genes[40]]}
    )
    found["importance"] = [3.5, 0.25, 7.0]
    own = {"method": method, "min_cells": 10, "part": "1-of-1", "seed": 1, "threads": 1}
    network = infer_network(rna, genes[:N_TFS], options={"adjacencies": found}, **own)
    expected = found.sort_values(
        ["tf", "importance"], ascending=[True, False], ignore_index=True
    )
    pd.testing.assert_frame_equal(
        network.drop(columns="rho"), expected, check_dtype=False
    )
    found.loc[1, "tf"] = genes[-1]  # no TF of this run
    with pytest.raises(
        InputError, match="1 of 3 pairs are not of this run's TFs and genes"
    ):
        infer_network(rna, genes[:N_TFS], options={"adjacencies": found}, **own)


def test_no_tf_in_the_data_is_told(planted) -> None:
    expression, genes, _ = planted
    rna = anndata.AnnData(expression.tocsr(), var=pd.DataFrame(index=genes))
    with pytest.raises(InputError, match=r"0 are genes of the data[\s\S]*one species"):
        infer_network(
            rna,
            ["gata1"],
            method="coexpression",
            min_cells=10,
            options={},
            part="1-of-1",
            seed=1,
            threads=1,
        )
