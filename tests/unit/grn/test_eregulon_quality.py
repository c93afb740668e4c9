"""Region-based AUCell against gene-based on the same values; correlation with the TF; what the filter drops."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import pearsonr, spearmanr

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.grn.activity.members import find_members
from grnformer.grn.activity.recovery import score_cells
from grnformer.grn.activity.regions import score_region_activity
from grnformer.grn.eregulons.filter import assess_and_filter
from grnformer.grn.eregulons.funnel import STEPS, check_not_empty
from grnformer.grn.eregulons.quality import (
    assess_eregulons,
    correlate_columns,
    pool_cells,
)

CELLS = [f"c{i}" for i in range(120)]
AUC = {"auc_threshold": 0.2, "detected_quantile": 0.05}
QUALITY = {"units": "pseudobulks", "pseudobulk_cells": 6, "correlation": "pearson", "min_rho_genes": 0.3,
           "min_rho_regions": 0.3, "seed": 1}  # fmt: skip


def modality(
    counts: np.ndarray, names: list[str], types: np.ndarray
) -> anndata.AnnData:
    counts = sp.csr_matrix(counts.astype(np.float32))
    obs = pd.DataFrame({"cell_type": types}, index=CELLS)
    data = anndata.AnnData(counts.log1p(), obs=obs, var=pd.DataFrame(index=names))
    data.layers["counts"] = counts
    return data


@pytest.fixture
def dataset():
    """Four eRegulons whose TF varies from cell to cell. A opens its regions and raises its genes; B closes and lowers
    (its genes still follow their regions); C's targets do not follow it; D's genes do, its regions do not."""
    rng = np.random.default_rng(0)
    types = np.repeat(["x", "y"], 60)
    level = rng.random((4, 120)) * 2 + (types == "y")
    genes, regions, rows = list("ABCD"), [], []
    expression = [rng.poisson(np.exp(level[i])) for i in range(4)]
    opened = []
    for i, (tf, sign, by_gene, by_region) in enumerate(
        [("A", 1, 1, 1), ("B", -1, 1, 1), ("C", 1, 0, 0), ("D", 1, 1, 0)]
    ):
        for k in range(12):
            gene, region = f"{tf}{k}", f"chr{i + 1}:{k * 1000}-{k * 1000 + 500}"
            shift = sign * (level[i] - 1.5)
            expression.append(rng.poisson(np.exp(0.3 + by_gene * shift)))
            opened.append(rng.random(120) < 1 / (1 + np.exp(1 - 2 * by_region * shift)))
            genes.append(gene)
            regions.append(region)
            rows.append((f"{tf}_direct_{'+' if sign > 0 else '-'}/+", tf, region, gene))
    eregulons = pd.DataFrame(rows, columns=["eregulon", "tf", "region", "gene"]).assign(
        tf_gene_weight=1.0,
        tf_gene_rho=0.5,
        region_gene_weight=1.0,
        region_gene_rho=0.5,
        evidence="prior:x",
    )
    rna = modality(np.array(expression).T, genes, types)
    atac = modality(np.array(opened).T, regions, types)
    atac.X = atac.X.sign()
    return rna, atac, eregulons


def test_region_activity_is_aucell_of_the_regions(dataset) -> None:
    _, atac, eregulons = dataset
    rng = np.random.default_rng(3)
    topics = rng.dirichlet(np.ones(5), 120), rng.random((atac.n_vars, 5))
    imputed = topics[0] @ topics[1].T
    names, members = find_members(eregulons, atac.var_names, "region")
    found = score_region_activity(
        atac, *topics, eregulons, accessibility="topics", **AUC
    )
    cutoff = round(0.2 * atac.n_vars)
    expected = score_cells(sp.csr_matrix(imputed.astype(np.float32)), members, cutoff)
    np.testing.assert_allclose(found[names], expected, atol=1e-6)
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr("grnformer.grn.activity.regions._BLOCK", 7 * atac.n_vars)
        blocks = score_region_activity(
            atac, *topics, eregulons, accessibility="topics", **AUC
        )
    pd.testing.assert_frame_equal(blocks, found)


def test_ties_of_open_regions_are_not_broken_by_chance(dataset) -> None:
    """Where regions are open or not, the AUC follows the share of the set's regions among the open ones."""
    _, atac, eregulons = dataset
    topics = np.ones((120, 1)), np.ones((atac.n_vars, 1))
    found = score_region_activity(
        atac, *topics, eregulons, accessibility="binary", **AUC
    )
    names, members = find_members(eregulons, atac.var_names, "region")
    share = (atac.X @ members).toarray() / atac.X.getnnz(axis=1)[:, None]
    for column, name in enumerate(names):
        assert spearmanr(found[name], share[:, column]).statistic > 0.999
    order = np.random.default_rng(0).permutation(atac.n_vars)
    again = score_region_activity(
        atac[:, order], *topics, eregulons, accessibility="binary", **AUC
    )
    np.testing.assert_allclose(again, found, atol=1e-6)
    with pytest.raises(InputError, match="accessibility"):
        score_region_activity(atac, *topics, eregulons, accessibility="guess", **AUC)


def test_pseudobulks_fraction_no_cell_and_mix_no_types() -> None:
    types = np.array(["a"] * 25 + ["b"] * 4)
    groups = pool_cells(types, 10, np.random.default_rng(0)).toarray()
    assert ((groups > 0).sum(axis=0) == 1).all()
    np.testing.assert_allclose(groups.sum(axis=1), 1)
    assert groups.shape[0] == 3
    assert all(len(set(types[row > 0])) == 1 for row in groups)


@pytest.mark.parametrize(
    ("method", "reference"), [("pearson", pearsonr), ("spearman", spearmanr)]
)
def test_correlations_are_scipys(method, reference) -> None:
    rng = np.random.default_rng(4)
    a, b = rng.poisson(2, (30, 5)).astype(float), rng.random((30, 5))
    a[:, 4] = 3
    found = correlate_columns(a, b, method)
    np.testing.assert_allclose(
        found[:4], [reference(a[:, i], b[:, i]).statistic for i in range(4)]
    )
    assert np.isnan(found[4])
    with pytest.raises(InputError, match="correlation"):
        correlate_columns(a, b, "kendall")


def run(dataset, **changes):
    rna, atac, eregulons = dataset
    funnel = pd.DataFrame(
        [{"step": s, "rule": r, "tfs": 4, "pairs": 48} for s, (r, _) in STEPS.items()]
    )
    topics = np.ones((120, 1)), np.ones((atac.n_vars, 1))
    settings = {"filter": True, "accessibility": "binary"} | AUC | QUALITY | changes
    return assess_and_filter(eregulons, funnel, rna, atac, *topics, **settings)


def test_eregulons_that_do_not_follow_their_tf_are_dropped_and_named(dataset) -> None:
    kept, funnel, quality, regions = run(dataset)
    contracts.check(quality, "eregulon_quality", "test")
    contracts.check(funnel, "funnel", "test")
    contracts.check(regions, "region_activity", "test")
    table = quality.set_index("eregulon")
    assert table["falls_short_in"].to_dict() == {
        "A_direct_+/+": "nothing", "B_direct_-/+": "nothing", "C_direct_+/+": "target genes and regions",
        "D_direct_+/+": "target regions",
    }  # fmt: skip
    assert table.loc["B_direct_-/+", "rho_genes"] < -0.5
    assert table.loc["B_direct_-/+", "rho_regions"] < -0.5
    assert set(kept["tf"]) == {"A", "B"}
    assert funnel.iloc[-1].to_dict() == {
        "step": "following their TF",
        "rule": "filter_eregulons",
        "tfs": 2,
        "pairs": 24,
    }


def test_without_the_filter_all_are_kept_and_assessed_alike(dataset) -> None:
    kept, funnel, quality, _ = run(dataset, filter=False)
    assert set(kept["tf"]) == set("ABCD")
    assert len(funnel) == len(STEPS)
    pd.testing.assert_frame_equal(
        quality.drop(columns="kept"), run(dataset)[2].drop(columns="kept")
    )


def test_a_filter_that_leaves_nothing_says_so(dataset) -> None:
    _, funnel, _, _ = run(dataset, min_rho_genes=1.0)
    with pytest.raises(InputError, match="filter_eregulons emptied the run") as caught:
        check_not_empty(funnel)
    assert "grn.quality" in caught.value.remedy


def test_eregulons_without_regions_are_judged_by_their_genes(dataset) -> None:
    rna, atac, eregulons = dataset
    alone = eregulons.assign(region="").drop_duplicates(["eregulon", "gene"])
    kept, _, quality, regions = run((rna, atac, alone))
    assert quality["regions"].eq(0).all()
    assert quality["rho_regions"].isna().all()
    assert set(kept["tf"]) == {"A", "B", "D"}
    assert list(regions.columns) == ["cell"]


def test_single_cells_and_wrong_settings(dataset) -> None:
    _, _, pooled, _ = run(dataset)
    _, _, single, _ = run(dataset, units="cells")
    assert (single["units"] == 120).all()
    assert single["rho_genes"].iloc[0] < pooled["rho_genes"].iloc[0], (
        "counts of single cells blur the correlation"
    )
    with pytest.raises(InputError, match="units"):
        run(dataset, units="donors")
    with pytest.raises(InputError, match="pseudobulk_cells"):
        run(dataset, pseudobulk_cells=120)


def test_assessing_needs_no_region_activity(dataset) -> None:
    rna, _, eregulons = dataset
    names, members = find_members(eregulons, rna.var_names, "gene")
    auc = pd.DataFrame(
        score_cells(rna.X, members, 10), index=rna.obs_names, columns=names
    )
    table = assess_eregulons(
        eregulons.assign(region=""),
        rna,
        auc,
        pd.DataFrame(index=rna.obs_names),
        **QUALITY,
    )
    assert table["eregulon"].tolist() == names
