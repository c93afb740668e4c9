"""Planted types come out of the embedding, the clusters and the markers."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from grnformer.core import contracts, io
from grnformer.core.errors import InputError
from grnformer.prep.annotate import (
    annotate_multiome,
    embed_multiome,
    normalise,
    rank_markers,
    read_names,
)
from grnformer.prep.embed import binarise_atac, weigh_regions
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
    "max_exact_cells": 200_000,
    "umap_min_dist": 0.3,
}

LIMITS = {
    "min_umis": 1,
    "max_umis": None,
    "min_genes": 1,
    "min_atac_counts": 1,
    "max_atac_counts": None,
}
SETTINGS = {
    "cells": {
        **LIMITS,
        "min_regions": 1,
        "max_percent_mito": 100,
        "n_mads": 50,
        "min_per_type": 1,
    },
    "doublets": {"enabled": False, "expected_rate": 0.06, "threshold": None},
    "genes": {"min_cells": 1},
    "regions": {"min_cells": 1, "drop_chromosomes": []},
}


def _annotate(counts, seed, settings, names=None):
    normalise(counts)
    embedding = embed_multiome(counts, seed=seed, settings=settings)
    contracts.check(embedding, "joint_embedding", where="test")
    return annotate_multiome(counts, embedding, names)


@pytest.fixture
def filtered(write_pair, tss, ingest_settings):
    data, dropped = load_sample(write_pair(annotation=None), tss, **ingest_settings)
    data, more, qc = filter_multiome(data, tss, seed=1, settings=SETTINGS)
    return data, pd.concat([dropped, more], ignore_index=True), qc


def test_types_without_annotation(filtered, cell_types):
    counts, dropped, qc = filtered
    before = counts.mod["rna"].X.copy()
    data = _annotate(counts, 1, EMBEDDING)
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
    data = _annotate(counts, seed=3, settings=EMBEDDING)
    assert data.obs["cell_type"].tolist() == ["even", "odd"] * 40
    assert adjusted_rand_score(cell_types, data.obs["cluster"]) == 1
    repeated = _annotate(again, seed=3, settings=EMBEDDING)
    np.testing.assert_array_equal(data.obsm["X_umap"], repeated.obsm["X_umap"])


@pytest.mark.parametrize("block", [2000, 2])
def test_region_weights_equal_their_formula(block, monkeypatch):
    monkeypatch.setattr("grnformer.prep.embed._BLOCK", block)
    binary = np.array([[1.0, 1, 0], [0, 1, 1], [0, 0, 1]])
    weighed = weigh_regions(sp.csr_matrix(binary)).toarray()
    expected = np.log1p(1e4 * binary / binary.sum(1, keepdims=True) * 3 / binary.sum(0))
    np.testing.assert_allclose(weighed, expected, rtol=1e-6)


def test_one_type_has_no_markers(filtered, tmp_path):
    data = _annotate(filtered[0], seed=1, settings=EMBEDDING)
    data.obs["cell_type"] = "only"
    io.write_table(
        rank_markers(data, n_per_type=10), tmp_path / "markers.tsv", "markers"
    )
    assert io.read_table(tmp_path / "markers.tsv", "markers").empty


def test_more_dimensions_than_the_data_have_are_told_of(filtered, caplog):
    many = EMBEDDING | {"n_pcs": 5000, "n_lsi": 5000, "n_neighbors": 5000}
    _annotate(filtered[0], seed=1, settings=many)
    for key, used in (("n_pcs", 39), ("n_lsi", 78), ("n_neighbors", 79)):
        assert f"prep.embedding.{key} is 5000; {used} are used" in caplog.text


def _write(path, rows):
    path.write_text("".join(f"{cluster}\t{name}\n" for cluster, name in rows))
    return path


def test_clusters_get_the_names_of_a_table(filtered, tmp_path):
    rows = [("cluster", "type"), ("cluster_1", "B cell"), ("cluster_0", "T cell")]
    names = read_names(_write(tmp_path / "names.tsv", rows), ["cluster_0", "cluster_1"])
    data = _annotate(filtered[0], 1, EMBEDDING, names)
    contracts.check(data, "multiome", where="test")
    named = data.obs[["cluster", "cell_type"]].drop_duplicates().to_numpy().tolist()
    assert sorted(named) == [["cluster_0", "T cell"], ["cluster_1", "B cell"]]
    assert data.uns["cell_types_from"] == "named clusters"


def test_two_clusters_may_have_one_name(filtered, tmp_path):
    rows = [("cluster_0", "cell"), ("cluster_1", "cell")]
    names = read_names(_write(tmp_path / "n.tsv", rows), ["cluster_0", "cluster_1"])
    data = _annotate(filtered[0], 1, EMBEDDING, names)
    assert set(data.obs["cell_type"]) == {"cell"}
    assert data.obs["cluster"].nunique() == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("cluster_0", "T")], r"without a name: \['cluster_1'\]"),
        ([("cluster_0", "T"), ("cluster_1", "B"), ("cluster_2", "NK")], "not in the d"),
        ([("cluster_0", "T"), ("cluster_0", "B"), ("cluster_1", "NK")], "named twice"),
        ([("cluster_0", "T"), ("cluster_1", "NA")], "a cell type"),
        ([("cluster_0", "Treg"), ("cluster_1", "TREG")], "would both be written"),
        ([("cluster_0", "T\tCD4"), ("cluster_1", "B\tx")], "3 columns"),
    ],
    ids=["missing", "unknown", "twice", "no name", "one file", "three columns"],
)
def test_wrong_names_of_clusters_are_refused(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_names(_write(tmp_path / "n.tsv", rows), ["cluster_0", "cluster_1"])


def test_names_beside_an_annotation_are_refused(filtered):
    filtered[0].obs["cell_type"] = "T cell"
    with pytest.raises(InputError, match="samples with an annotation"):
        _annotate(filtered[0], 1, EMBEDDING, {"cluster_0": "a", "cluster_1": "b"})


def test_rna_alone_is_filtered_embedded_and_summarised(
    write_pair, tss, ingest_settings, cell_types
):
    row = write_pair(annotation=None)
    del row["atac"]
    counts, dropped = load_sample(row, tss, **ingest_settings)
    contracts.check(counts, "paired_counts", where="test")
    data, more, qc = filter_multiome(counts, tss, seed=1, settings=SETTINGS)
    contracts.check(qc, "cell_qc", where="test")
    data = _annotate(data, 1, EMBEDDING)
    contracts.check(data, "multiome", where="test")
    assert list(data.mod) == ["rna"]
    assert adjusted_rand_score(cell_types, data.obs["cell_type"]) == 1
    assert (data.obs["rna_weight"] == 1).all()
    summary = summarise(data, pd.concat([dropped, more]), qc)
    contracts.check(summary, "prep_summary", where="test")
    assert summary["counts"].keys() == {"cell", "gene"}


def test_a_stored_zero_is_no_accessible_region():
    stored = sp.csr_matrix(([2, 0, 1], [0, 1, 1], [0, 2, 3]), dtype=np.int32)
    atac = anndata.AnnData(stored.copy())
    binarise_atac(atac)
    assert atac.X.toarray().tolist() == [[1, 0], [0, 1]]
    assert atac.X.dtype == np.float32
    assert atac.layers["counts"].toarray().tolist() == [[2, 0], [0, 1]]
