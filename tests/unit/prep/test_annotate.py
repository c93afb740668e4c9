"""Planted types come out of the embedding, the clusters and the markers."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from grnformer.core import contracts, io
from grnformer.prep.annotate import annotate_multiome, rank_markers
from grnformer.prep.embed import weigh_regions
from grnformer.prep.filters import filter_multiome
from grnformer.prep.sample import load_sample
from grnformer.prep.summary import summarise

pytestmark = pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")

EMBEDDING = {
    "n_hvgs": 40,
    "n_pcs": 8,
    "n_lsi": 8,
    "n_neighbors": 10,
    "cluster_resolution": 0.3,
    "umap_min_dist": 0.3,
}


@pytest.fixture
def filtered(write_pair, tss, ingest_settings):
    data, dropped = load_sample(write_pair(annotation=None), tss, **ingest_settings)
    limits = {
        "min_umis": 1,
        "max_umis": None,
        "min_genes": 1,
        "min_atac_counts": 1,
        "max_atac_counts": None,
    }
    settings = {
        "cells": {
            **limits,
            "min_regions": 1,
            "max_percent_mito": 100,
            "n_mads": 50,
            "min_per_type": 1,
        },
        "doublets": {"enabled": False, "expected_rate": 0.06, "threshold": None},
        "genes": {"min_cells": 1},
        "regions": {"min_cells": 1, "drop_chromosomes": []},
    }
    data, more, qc = filter_multiome(data, tss, seed=1, settings=settings)
    return data, pd.concat([dropped, more], ignore_index=True), qc


def test_types_without_annotation(filtered, cell_types):
    counts, dropped, qc = filtered
    before = counts.mod["rna"].X.copy()
    data = annotate_multiome(counts, seed=1, settings=EMBEDDING)
    contracts.check(data, "multiome", where="test")
    assert data.uns["cell_types_from"] == "joint clusters"
    assert set(data.obs["cell_type"]) == {"cluster_0", "cluster_1"}
    assert adjusted_rand_score(cell_types, data.obs["cell_type"]) == 1
    assert (data.mod["rna"].layers["counts"] != before).nnz == 0
    np.testing.assert_allclose(
        np.expm1(data.mod["rna"].X).sum(axis=1), 10000, rtol=1e-4
    )
    assert data.obsm["X_umap"].shape == (80, 2)

    markers = rank_markers(data, n_per_type=10)
    contracts.check(markers, "markers", where="test")
    alpha = data.obs["cell_type"].iloc[0]
    assert set(markers.loc[markers["cell_type"] == alpha, "gene"]) <= {
        f"GENE{i}" for i in range(30)
    }

    summary = summarise(data, dropped, qc)
    contracts.check(summary, "prep_summary", where="test")
    assert summary["counts"]["cell"] == {"before": 80, "after": 80}
    assert summary["cluster_type_ari"] is None


def test_given_types_stay_and_seeds_decide(filtered, cell_types):
    counts = filtered[0]
    counts.obs["cell_type"] = np.where(np.arange(80) % 2, "odd", "even")
    again = counts.copy()
    data = annotate_multiome(counts, seed=3, settings=EMBEDDING)
    assert data.obs["cell_type"].tolist() == ["even", "odd"] * 40
    assert adjusted_rand_score(cell_types, data.obs["cluster"]) == 1
    repeated = annotate_multiome(again, seed=3, settings=EMBEDDING)
    np.testing.assert_array_equal(data.obsm["X_umap"], repeated.obsm["X_umap"])


def test_region_weights_equal_their_formula():
    binary = np.array([[1.0, 1, 0], [0, 1, 1], [0, 0, 1]])
    weighed = weigh_regions(sp.csr_matrix(binary)).toarray()
    expected = np.log1p(1e4 * binary / binary.sum(1, keepdims=True) * 3 / binary.sum(0))
    np.testing.assert_allclose(weighed, expected, rtol=1e-6)


def test_one_type_has_no_markers(filtered, tmp_path):
    data = annotate_multiome(filtered[0], seed=1, settings=EMBEDDING)
    data.obs["cell_type"] = "only"
    io.write_table(
        rank_markers(data, n_per_type=10), tmp_path / "markers.tsv", "markers"
    )
    assert io.read_table(tmp_path / "markers.tsv", "markers").empty


def test_more_dimensions_than_the_data_have_are_told_of(filtered, caplog):
    many = EMBEDDING | {"n_pcs": 5000, "n_lsi": 5000, "n_neighbors": 5000}
    annotate_multiome(filtered[0], seed=1, settings=many)
    for key, used in (("n_pcs", 39), ("n_lsi", 78), ("n_neighbors", 79)):
        assert f"prep.embedding.{key} is 5000; {used} are used" in caplog.text
