"""Region-gene links: correlation against scipy, importance against a planted truth, determinism."""

from dataclasses import replace

import numba
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import spearmanr

from grnformer.core.errors import InputError
from grnformer.grn.region_gene import METHODS
from grnformer.grn.region_gene.boosting_kernel import boost as boost_regions
from grnformer.grn.region_gene.link import link_regions
from grnformer.grn.region_gene.rank_kernel import correlate, rank_regions
from grnformer.grn.region_gene.signal import Data

SETTINGS = {
    "accessibility": "topics", "window": 5000, "min_window": 100, "stop_at_neighbours": False, "promoter": 500,
    "min_cells": 5, "n_trees": 60, "learning_rate": 0.1, "feature_fraction": 0.3, "max_bins": 256,
    "metacell_size": 10, "max_cells": None, "least_distance": 500, "seed": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def planted():
    """400 cells, 6 topics; 20 genes with 10 regions each, of which the third drives the gene (even up, odd down)."""
    rng = np.random.default_rng(0)
    n, n_topics, n_genes, per_gene = 400, 6, 20, 10
    cell_topic = rng.dirichlet(np.full(n_topics, 0.3), n)
    region_topic = rng.gamma(0.5, size=(n_genes * per_gene, n_topics))
    region_topic /= region_topic.sum(0)
    access = cell_topic @ region_topic.T
    drive = access[:, 2::per_gene]
    drive = (drive - drive.mean(0)) / drive.std(0)
    sign = np.where(np.arange(n_genes) % 2, -1, 1)
    counts = sp.csr_matrix(
        rng.poisson(np.exp(0.9 * sign * drive - 0.5)).astype(np.float32)
    )
    expression = counts.copy()
    expression.data = np.log1p(expression.data)
    open_ = sp.csr_matrix(
        rng.random(access.shape) < 0.5 * access / access.max(0)
    ).astype(np.float32)
    genes = [f"g{i}" for i in range(n_genes)]
    start = (
        np.arange(n_genes)[:, None] * 100_000 + 5_000 + np.arange(per_gene) * 700
    ).ravel()
    regions = pd.DataFrame(
        {
            "region": [f"chr1:{s}-{s + 500}" for s in start],
            "chrom": "chr1",
            "start": start,
            "end": start + 500,
        }
    )
    tss = pd.DataFrame(
        {
            "gene": genes,
            "chrom": "chr1",
            "tss": np.arange(n_genes) * 100_000 + 8_000,
            "strand": "+",
        }
    )
    return (
        Data(expression, counts, open_, cell_topic, region_topic),
        genes,
        regions,
        tss,
        sign,
    )


def test_rho_is_scipys_and_planted_links_rank_first(planted):
    data, genes, regions, tss, sign = planted
    links = link_regions(data, genes, regions, tss, **SETTINGS)
    assert len(links) == 200
    assert links.groupby("gene")["importance"].sum().to_numpy() == pytest.approx(
        1, abs=1e-5
    )
    access = pd.DataFrame(
        data.cell_topic @ data.region_topic.T, columns=regions["region"]
    )
    dense = pd.DataFrame(data.expression.toarray(), columns=genes)
    for row in links.sample(30, random_state=1).itertuples():
        assert row.rho == pytest.approx(
            spearmanr(access[row.region], dense[row.gene]).statistic, abs=2e-4
        )
    best = (
        links.loc[links.groupby("gene", sort=False)["importance"].idxmax()]
        .set_index("gene")
        .loc[genes]
    )
    truth = regions["region"].to_numpy()[2::10]
    assert (best["region"] == truth).mean() >= 0.8
    assert (np.sign(best["rho"].to_numpy()) == sign)[best["region"] == truth].all()
    assert links["promoter"].equals(links["distance"].abs() <= 500)

    row = links.iloc[7]
    column = regions["region"].tolist().index(row["region"])
    open_fraction = (data.accessible[:, [column]].toarray() > 0).mean()
    expected = row["importance"] * abs(row["rho"]) * open_fraction**0.5
    assert row["weight"] == pytest.approx(
        expected / (abs(row["distance"]) + 500), rel=1e-5
    )


@pytest.mark.parametrize("method", sorted(METHODS))
def test_same_seed_same_links_for_any_threads_blocks_and_gene_order(
    planted, method, monkeypatch
):
    data, genes, regions, tss, _ = planted
    settings = SETTINGS | {"accessibility": method}
    one = link_regions(data, genes, regions, tss, **settings)
    other = link_regions(data, genes, regions, tss, **settings | {"seed": 4})
    assert not one["importance"].equals(other["importance"])
    monkeypatch.setattr("grnformer.grn.region_gene.link._BLOCK", 400 * 35)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        two = link_regions(data, genes, regions, tss.iloc[::-1], **settings)
    finally:
        numba.set_num_threads(threads)
    pd.testing.assert_frame_equal(one, two)


def test_ranks_with_ties_zeros_and_constant_rows():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 4, size=(5, 200)).astype(np.float32)
    values[4] = 1
    y = sp.csc_matrix(rng.poisson(0.5, size=(200, 2)).astype(float))
    ranks, bins = rank_regions(values, np.argsort(values, axis=1), 32)
    rho = correlate(
        y.indptr,
        y.indices,
        y.data,
        ranks,
        np.array([0, 5, 10]),
        np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]),
    )
    expected = [
        spearmanr(values[r], y[:, g].toarray().ravel()).statistic
        for g in range(2)
        for r in range(4)
    ]
    assert np.delete(rho, [4, 9]) == pytest.approx(expected, abs=1e-6)
    assert rho[[4, 9]].tolist() == [0, 0]
    for row, codes in zip(values, bins, strict=True):
        assert all(len(set(codes[row == v])) == 1 for v in set(row))


def boost(x, y, seed, n_bins, n_trees, rate, share):
    values = np.ascontiguousarray(x.T, dtype=np.float32)
    _, bins = rank_regions(values, np.argsort(values, axis=1), n_bins)
    column = sp.csc_matrix(y[:, None])
    seeds = np.array([seed], np.uint64)
    pairs = np.array([0, len(values)]), np.arange(len(values))
    matrix = column.indptr, column.indices, column.data
    return boost_regions(*matrix, bins, n_bins, *pairs, seeds, n_trees, rate, share)


def test_importance_agrees_with_sklearn():
    from sklearn.ensemble import GradientBoostingRegressor

    rng = np.random.default_rng(2)
    x = rng.random((300, 8))
    y = np.maximum(
        2 * x[:, 0] + x[:, 1] - 0.5 * x[:, 2] + 0.3 * rng.normal(size=300), 0
    )
    settings = {
        "n_estimators": 200,
        "learning_rate": 0.05,
        "max_features": 0.3,
        "max_depth": 3,
    }
    reference = (
        GradientBoostingRegressor(**settings, random_state=1)
        .fit(x, y)
        .feature_importances_
    )
    ours = boost(x, y, 7, 512, 200, 0.05, 0.3)
    assert np.abs(ours - reference).max() < 0.04


def test_without_a_draw_of_features_importance_is_sklearns():
    """With all regions tried at each split and a level for each cell, chance only breaks ties; here there are none."""
    from sklearn.ensemble import GradientBoostingRegressor

    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 6))
    y = np.maximum(x[:, 0] + 0.5 * x[:, 3] ** 2 + 0.3 * rng.normal(size=600), 0)
    settings = {"n_estimators": 3, "learning_rate": 0.1, "max_depth": 3}
    reference = (
        GradientBoostingRegressor(**settings, random_state=1)
        .fit(x, y)
        .feature_importances_
    )
    assert boost(x, y, 7, 600, 3, 0.1, 1) == pytest.approx(reference, abs=1e-8)


def test_importances_of_like_regions_are_as_near_to_sklearns_as_its_own_seeds_are():
    """Topic-imputed regions are nearly collinear; with few levels the wrong ones win (.78 with 32, .84 with 512)."""
    from sklearn.ensemble import GradientBoostingRegressor

    rng = np.random.default_rng(3)
    x = rng.dirichlet(np.full(20, 0.2), 400) @ rng.gamma(0.3, size=(20, 60))
    z = (x[:, 0] - x[:, 0].mean()) / x[:, 0].std()
    y = np.log1p(rng.poisson(np.exp(0.8 * np.minimum(z, 4) - 0.7)))
    settings = {"n_estimators": 200, "learning_rate": 0.025, "max_features": 0.1}
    one, two = (
        GradientBoostingRegressor(**settings, random_state=seed)
        .fit(x, y)
        .feature_importances_
        for seed in (1, 2)
    )
    found = [boost(x, y, seed, 512, 200, 0.025, 0.1) for seed in (1, 2, 3)]
    nearness = np.mean([spearmanr(one, other).statistic for other in found])
    assert nearness > spearmanr(one, two).statistic - 0.06


def test_wrong_inputs(planted):
    data, genes, regions, tss, _ = planted
    with pytest.raises(InputError, match="no gene is found in 1000 cells"):
        link_regions(data, genes, regions, tss, **SETTINGS | {"min_cells": 1000})
    with pytest.raises(InputError, match="no region within"):
        link_regions(
            data, genes, regions, tss.assign(tss=tss["tss"] + 30_000), **SETTINGS
        )


@pytest.mark.parametrize(
    ("n", "most", "groups", "spread"), [(1001, 100, 91, 0.3), (15, 10, 7, 0.5)]
)
def test_groups_are_equal_and_of_like_topics(n, most, groups, spread):
    from grnformer.grn.region_gene.groups import group_cells

    rng = np.random.default_rng(4)
    topics = rng.dirichlet(np.full(5, 0.2), n)
    group = group_cells(topics, most)
    sizes = np.bincount(group)
    assert len(sizes) == groups <= most
    assert sizes.max() - sizes.min() <= 1
    within = np.mean([topics[group == g].var(axis=0).sum() for g in range(groups)])
    assert within < spread * topics.var(axis=0).sum()


def test_pooled_cells_of_equal_topics_give_the_links_of_all_cells(planted):
    """Each cell three times, so that groups of three are of one place: only rounding differs. rho is that of cells."""
    data, genes, regions, tss, _ = planted
    threefold = Data(
        *(sp.vstack([part] * 3, format="csr") for part in (data.expression, data.rna_counts, data.accessible)),
        np.vstack([data.cell_topic] * 3),
        data.region_topic,
    )  # fmt: skip
    settings = SETTINGS | {"accessibility": "topics"}
    whole = link_regions(threefold, genes, regions, tss, **settings)
    pooled = link_regions(
        threefold, genes, regions, tss, **settings | {"max_cells": 400}
    )
    assert pooled["rho"].equals(whole["rho"])
    assert np.abs(pooled["importance"] - whole["importance"]).max() < 1e-6
    # as many cells as are allowed, or no bound: none is pooled
    same = link_regions(data, genes, regions, tss, **settings | {"max_cells": 400})
    assert same.equals(link_regions(data, genes, regions, tss, **settings))


def test_a_block_ranks_regions_that_genes_share_once(planted, monkeypatch):
    from grnformer.grn.region_gene import link

    data, genes, regions, tss, _ = planted
    near = tss.assign(tss=8_000 + np.arange(20) * 10)
    asked = []
    method = METHODS["topics"]

    def watched(*given, **settings):
        signal = method(*given, **settings)

        def accessibility(numbers):
            asked.append(len(numbers))
            return signal.accessibility(numbers)

        return replace(signal, accessibility=accessibility)

    monkeypatch.setattr(link, "METHODS", {"topics": watched})
    monkeypatch.setattr(link, "_BLOCK", 400 * 20)
    assert len(link_regions(data, genes, regions, near, **SETTINGS)) == 200
    assert asked == [10]
