"""Region-gene links: correlation against scipy, importance against a planted truth, determinism."""

import numba
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import spearmanr

from grnformer.errors import InputError
from grnformer.grn.region_gene import METHODS, kernels
from grnformer.grn.region_gene.link import link_regions
from grnformer.grn.region_gene.signal import Data

SETTINGS = {
    "accessibility": "topics", "window": 5000, "min_window": 100, "stop_at_neighbours": False, "promoter": 500,
    "min_cells": 5, "n_trees": 60, "learning_rate": 0.1, "feature_share": 0.3, "metacell_size": 10, "seed": 3,
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
    counts = sp.csr_matrix(rng.poisson(np.exp(0.9 * sign * drive - 0.5)).astype(np.float32))
    expression = counts.copy()
    expression.data = np.log1p(expression.data)
    open_ = sp.csr_matrix(rng.random(access.shape) < 0.5 * access / access.max(0)).astype(np.float32)
    genes = [f"g{i}" for i in range(n_genes)]
    start = (np.arange(n_genes)[:, None] * 100_000 + 5_000 + np.arange(per_gene) * 700).ravel()
    regions = pd.DataFrame(
        {"region": [f"chr1:{s}-{s + 500}" for s in start], "chrom": "chr1", "start": start, "end": start + 500}
    )
    tss = pd.DataFrame({"gene": genes, "chrom": "chr1", "tss": np.arange(n_genes) * 100_000 + 8_000, "strand": "+"})
    return Data(expression, counts, open_, cell_topic, region_topic), genes, regions, tss, sign


def test_rho_is_scipys_and_planted_links_rank_first(planted):
    data, genes, regions, tss, sign = planted
    links = link_regions(data, genes, regions, tss, **SETTINGS)
    assert len(links) == 200
    assert links.groupby("gene")["importance"].sum().to_numpy() == pytest.approx(1, abs=1e-5)
    access = pd.DataFrame(data.cell_topic @ data.region_topic.T, columns=regions["region"])
    dense = pd.DataFrame(data.expression.toarray(), columns=genes)
    for row in links.sample(30, random_state=1).itertuples():
        assert row.rho == pytest.approx(spearmanr(access[row.region], dense[row.gene]).statistic, abs=2e-4)
    best = links.loc[links.groupby("gene", sort=False)["importance"].idxmax()].set_index("gene").loc[genes]
    truth = regions["region"].to_numpy()[2::10]
    assert (best["region"] == truth).mean() >= 0.8
    assert (np.sign(best["rho"].to_numpy()) == sign)[best["region"] == truth].all()
    assert links["promoter"].equals(links["distance"].abs() <= 500)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_same_seed_same_links_for_any_threads_blocks_and_gene_order(planted, method, monkeypatch):
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
    ranks, bins = kernels.rank_regions(values, np.argsort(values, axis=1))
    rho = kernels.correlate(
        y.indptr, y.indices, y.data, ranks, np.array([0, 5, 10]), np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
    )
    expected = [spearmanr(values[r], y[:, g].toarray().ravel()).statistic for g in range(2) for r in range(4)]
    assert np.delete(rho, [4, 9]) == pytest.approx(expected, abs=1e-6)
    assert rho[[4, 9]].tolist() == [0, 0]
    for row, codes in zip(values, bins, strict=True):
        assert all(len(set(codes[row == v])) == 1 for v in set(row))


def test_importance_agrees_with_sklearn():
    from sklearn.ensemble import GradientBoostingRegressor

    rng = np.random.default_rng(2)
    x = rng.random((300, 8))
    y = np.maximum(2 * x[:, 0] + x[:, 1] - 0.5 * x[:, 2] + 0.3 * rng.normal(size=300), 0)
    settings = {"n_estimators": 200, "learning_rate": 0.05, "max_features": 0.3, "max_depth": 3}
    reference = GradientBoostingRegressor(**settings, random_state=1).fit(x, y).feature_importances_
    values = x.T.astype(np.float32)
    _, bins = kernels.rank_regions(values, np.argsort(values, axis=1))
    column = sp.csc_matrix(y[:, None])
    ours = kernels.boost(
        column.indptr, column.indices, column.data, bins, np.array([0, 8]), np.arange(8), np.array([7], np.uint64),
        200, 0.05, 0.3,
    )  # fmt: skip
    assert np.abs(ours - reference).max() < 0.04


def test_wrong_inputs(planted):
    data, genes, regions, tss, _ = planted
    with pytest.raises(InputError, match="no gene is found in 1000 cells"):
        link_regions(data, genes, regions, tss, **SETTINGS | {"min_cells": 1000})
    with pytest.raises(InputError, match="no region within"):
        link_regions(data, genes, regions, tss.assign(tss=tss["tss"] + 30_000), **SETTINGS)
