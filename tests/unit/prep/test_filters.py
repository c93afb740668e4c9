"""Planted poor cells, rare genes and foreign regions are dropped, each with its reason; nothing else is."""

import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.prep.filters import filter_multiome
from grnformer.prep.merge import merge_samples
from grnformer.prep.qc import find_mitochondrial, judge_cells, measure_cells
from grnformer.prep.sample import load_sample


@pytest.fixture
def settings():
    return {
        "cells": {
            "min_umis": 10,
            "max_umis": None,
            "min_genes": 5,
            "min_atac_counts": 10,
            "max_atac_counts": None,
            "min_regions": 5,
            "max_percent_mito": 20,
            "n_mads": 8,
            "min_per_type": 10,
        },
        "doublets": {"enabled": False, "expected_rate": 0.06, "threshold": None},
        "genes": {"min_cells": 3},
        "regions": {"min_cells": 3, "drop_chromosomes": ["chrM"]},
    }


@pytest.fixture
def sample(write_pair, tss, ingest_settings):
    return load_sample(write_pair(), tss, **ingest_settings)[0]


def _reasons(dropped, kind):
    chosen = dropped[dropped["kind"] == kind]
    return dict(zip(chosen["name"], chosen["reason"], strict=True))


def test_metrics_equal_dense_sums(sample, tss):
    metrics = measure_cells(sample, tss)
    rna, atac = sample.mod["rna"].X.toarray(), sample.mod["atac"].X.toarray()
    np.testing.assert_array_equal(metrics["n_umis"], rna.sum(axis=1))
    np.testing.assert_array_equal(metrics["n_genes"], (rna > 0).sum(axis=1))
    np.testing.assert_array_equal(metrics["n_regions"], (atac > 0).sum(axis=1))
    # The first 60 regions are the promoters of the toy genome.
    np.testing.assert_allclose(
        metrics["percent_promoter"], 100 * atac[:, :60].sum(axis=1) / atac.sum(axis=1)
    )
    assert (metrics["percent_mito"] == 0).all()


def test_what_is_planted_is_dropped_and_nothing_else(sample, tss, settings):
    rna, atac = sample.mod["rna"].X.tolil(), sample.mod["atac"].X.tolil()
    rna[0] = 0  # an empty cell
    rna[1] = rna[1].multiply(60).tolil()  # far too deep
    rna[:, 7] = 0
    rna[2:4, 7] = 1  # a gene in two cells
    rna[:, 9] = 0
    rna[[10, 11, 12], 9] = 1  # a gene in just as many cells as it takes
    rna[5, 8] = 500
    atac[:, 11] = 0
    atac[[6, 7], 11] = 1
    sample.mod["rna"].X, sample.mod["atac"].X = rna.tocsr(), atac.tocsr()
    genes = sample.mod["rna"].var_names.to_list()
    genes[8] = "MT-CO1"
    sample.mod["rna"].var_names = genes
    sample.mod["atac"].var["chrom"] = sample.mod["atac"].var["chrom"].astype(object)
    sample.mod["atac"].var.iloc[13, 0] = "chrM"
    sample.mod["atac"].var.iloc[14, 0] = "chrUn_7"
    sample.obs["cell_type"] = ["rare"] * 9 + ["common"] * 71
    cells, regions = sample.obs_names.to_list(), sample.mod["atac"].var_names

    data, dropped, qc = filter_multiome(sample, tss, seed=1, settings=settings)

    contracts.check(dropped, "dropped", where="test")
    contracts.check(qc, "cell_qc", where="test")
    contracts.check(data, "paired_counts", where="test")
    found = _reasons(dropped, "cell")
    assert found.pop(cells[0]) == "n_umis below 10"
    assert found.pop(cells[1]).startswith("n_umis further than 8 MADs")
    assert found.pop(cells[5]) == "percent_mito above 20"
    assert found == {
        cells[i]: "cell type rare has fewer than 10 cells" for i in (2, 3, 4, 6, 7, 8)
    }
    assert _reasons(dropped, "gene") == {genes[7]: "in fewer than 3 cells"}
    assert _reasons(dropped, "region") == {
        regions[11]: "in fewer than 3 cells",
        regions[13]: "chromosome not in the TSS table, or excluded",
        regions[14]: "chromosome not in the TSS table, or excluded",
    }
    assert data.shape == (71, 59 + 177)
    assert qc["kept"].sum() == 71
    np.testing.assert_array_equal(
        data.mod["rna"].var["n_cells"], (data.mod["rna"].X > 0).sum(axis=0).A1
    )


def test_outliers_are_judged_within_their_sample():
    metric = np.r_[np.geomspace(90, 110, 50), np.geomspace(9000, 11000, 50), 10000]
    metrics = pd.DataFrame(
        dict.fromkeys(("n_umis", "n_genes", "n_atac_counts", "n_regions"), metric)
    )
    metrics["percent_mito"] = 0.0
    sample = pd.Series(["shallow"] * 50 + ["deep"] * 50 + ["shallow"])
    limits = {
        "min_umis": 1,
        "max_umis": None,
        "min_genes": 1,
        "min_atac_counts": 1,
        "max_atac_counts": None,
    }
    reasons = judge_cells(
        metrics, sample, **limits, min_regions=1, max_percent_mito=100, n_mads=5
    )
    assert reasons.index[reasons != ""].tolist() == [100]


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("cells", "min_umis", 10**6, "no cell passes .* n_umis below 1e"),
        ("genes", "min_cells", 1000, "no gene passes"),
        ("regions", "min_cells", 1000, "no region passes"),
        (
            "regions",
            "drop_chromosomes",
            ["chr1", "chr2"],
            "no region passes .* chromosome",
        ),
    ],
)
def test_filters_that_leave_nothing_stop(
    sample, tss, settings, section, key, value, message
):
    settings[section][key] = value
    with pytest.raises(InputError, match=message):
        filter_multiome(sample, tss, seed=1, settings=settings)


# Scanpy divides 0 by 0 where no simulated doublet reaches the threshold.
@pytest.mark.filterwarnings("ignore:invalid value encountered in scalar divide")
def test_planted_doublets_are_found(sample, tss, settings):
    """Cells that are the sum of one cell of each type score higher than single cells."""
    rna = sample.mod["rna"].X.tolil()
    doublets = [0, 1, 2, 40, 41, 42]
    for cell in doublets:
        rna[cell] = rna[10 + cell] + rna[(50 + cell) % 80]
    sample.mod["rna"].X = rna.tocsr()
    settings["doublets"] |= {"enabled": True, "threshold": 0.2}
    *_, qc = filter_multiome(sample, tss, seed=1, settings=settings)
    assert (
        qc["doublet_score"][doublets].min()
        > qc["doublet_score"].drop(doublets).median()
    )


def _renamed(data, sample, genes=None):
    mods = {name: part.copy() for name, part in data.mod.items()}
    # Other cells: the counts of the next one.
    for part in mods.values():
        part.X = part.X[np.roll(np.arange(part.n_obs), 1)]
    names = [f"{sample}:{b}" for b in data.obs["barcode"]]
    for part in mods.values():
        part.obs_names = names
    if genes is not None:
        mods["rna"].var_names = genes
    other = mudata.MuData(mods)
    for column in data.obs:
        other.obs[column] = data.obs[column].to_numpy()
    other.obs["sample"] = sample
    other.uns["checks"] = {sample: {"paired": 80.0}}
    return other


def test_merging_keeps_shared_genes_and_all_cells(sample):
    other = _renamed(sample, "s2", ["EXTRA", *sample.mod["rna"].var_names[1:]])
    data, dropped = merge_samples([sample, other], min_shared_features=0.5)
    contracts.check(data, "paired_counts", where="test")
    assert data.shape == (160, 59 + 180)
    assert data.obs["sample"].value_counts().to_dict() == {"s1": 80, "s2": 80}
    assert set(_reasons(dropped, "gene")) == {"GENE0", "EXTRA"}
    np.testing.assert_array_equal(
        data.mod["rna"].X[80:].toarray(), other.mod["rna"].X[:, 1:].toarray()
    )
    assert set(data.uns["checks"]) == {"s1", "s2"}


def test_the_same_cells_twice(sample):
    other = _renamed(sample, "s2")
    for name, part in sample.mod.items():
        other.mod[name].X = part.X
    with pytest.raises(InputError, match="'s1' and 's2' share 80 of 80 cells"):
        merge_samples([sample, other], min_shared_features=0.5)


def test_a_sample_without_a_cell_left(sample, tss, settings):
    other = _renamed(sample, "s2")
    other.mod["atac"].X = sp.csr_matrix(other.mod["atac"].X.shape, dtype=np.int32)
    merged, _ = merge_samples([sample, other], min_shared_features=0.5)
    with pytest.raises(
        InputError, match=r"(?s)\['s2'\] .* 80 of the 80 .* n_atac_counts below 10"
    ):
        filter_multiome(merged, tss, seed=1, settings=settings)


def test_types_with_one_file_name_in_two_samples(sample):
    other = _renamed(sample, "s2")
    other.obs["cell_type"] = "ALPHA"
    with pytest.raises(InputError, match="'ALPHA' and 'alpha'"):
        merge_samples([sample, other], min_shared_features=0.5)


def test_one_type_a_cell(sample, tss, settings):
    sample.obs["cell_type"] = [f"type {number}" for number in range(80)]
    with pytest.raises(InputError, match="all 80 cell types have fewer than 10 cells"):
        filter_multiome(sample, tss, seed=1, settings=settings)


def test_few_cells(sample, tss, settings):
    settings["cells"]["min_umis"] = int(np.sort(sample.mod["rna"].X.sum(axis=1).A1)[-3])
    with pytest.raises(InputError, match=r"(?s)3 cell passes .*n_umis below.*medians"):
        filter_multiome(sample, tss, seed=1, settings=settings)


@pytest.mark.parametrize(
    ("gene", "chrom", "is_mitochondrial"),
    [
        ("MT-ND1", "chr1", True),
        ("mt-Nd1", "chrM", True),
        ("mt:ND1", "chr1", True),
        ("MT.ND1", "chr1", True),
        ("ND1", "chrM", True),
        ("nduo-1", "MtDNA", True),
        ("MTOR", "chr1", False),
        ("MT1X", "chr16", False),
    ],
)
def test_mitochondrial_genes(gene, chrom, is_mitochondrial, caplog):
    sites = pd.DataFrame({"gene": ["A", gene], "chrom": ["chr1", chrom]})
    found = find_mitochondrial(pd.Index(["A", gene]), sites)
    assert found.tolist() == [False, is_mitochondrial]
    assert ("no mitochondrial gene" in caplog.text) != is_mitochondrial


def test_samples_that_do_not_fit_together(sample):
    other = _renamed(sample, "s2", [f"OTHER{i}" for i in range(60)])
    with pytest.raises(InputError, match="share 0 genes"):
        merge_samples([sample, other], min_shared_features=0.5)
    bare = _renamed(sample, "s2")
    del bare.obs["cell_type"]
    with pytest.raises(InputError, match=r"\['s2'\] have no annotation"):
        merge_samples([sample, bare], min_shared_features=0.5)
