"""The rules of stage prep, from a sample sheet to the multiome, on a toy genome."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from grnformer.core import io

N_CELLS = 120
RULES = [
    "prep",
    "prepare_tss",
    "ingest_sample",
    "filter_multiome",
    "cluster_cells",
    "annotate_cells",
]
CONFIG = {
    "samples": "sheet.tsv",
    "genomes": {"toy": {"tss": "tss.tsv"}},
    "prep": {
        "build": {"min_regions": 20},
        "cells": {
            "min_umis": 20,
            "min_genes": 5,
            "min_atac_counts": 20,
            "min_regions": 5,
            "n_mads": 10,
        },
        "regions": {"min_cells": 10},
        "embedding": {
            "n_hvgs": 60,
            "n_pcs": 8,
            "n_lsi": 8,
            "n_neighbors": 10,
            "cluster_resolution": 0.3,
        },
    },
}
HEADER = "dataset\tsample\tdonor\trna\tatac\tfragments\tgenome\tannotation\n"


def two_types(n_features, rng):
    """Cells x features; the first half of the cells has more of the first half of the features."""
    rate = np.full((N_CELLS, n_features), 0.5)
    rate[: N_CELLS // 2, : n_features // 2] = rate[
        N_CELLS // 2 :, n_features // 2 :
    ] = 3
    return rng.poisson(rate)


@pytest.fixture
def toy(tmp_path):
    """Genes 200 kb apart with promoters and distal regions; sample `text` as CSV, samples `one`, `two` as .h5ad."""
    rng = np.random.default_rng(4)
    genes = [f"GENE{i}" for i in range(80)]
    sites = 1_000_000 + 200_000 * np.arange(80)
    tss = pd.DataFrame({"gene": genes, "chrom": "1", "tss": sites, "strand": "+"})
    tss.to_csv(tmp_path / "tss.tsv", sep="\t", index=False)
    regions = [
        f"chr1_{s + shift}_{s + shift + 400}" for shift in (-200, 30_000) for s in sites
    ]
    cells = [f"AAAC{i:04d}" for i in range(N_CELLS)]
    types = pd.Series(["inf"] * (N_CELLS // 2) + ["007"] * (N_CELLS // 2), index=cells)
    types.to_csv(tmp_path / "types.csv", header=False)
    for name, features in (("rna", genes), ("atac", regions)):
        pd.DataFrame(two_types(len(features), rng).T, features, cells).to_csv(
            tmp_path / f"{name}.csv"
        )
        for sample in ("one", "two"):
            counts = sp.csr_matrix(two_types(len(features), rng).astype(np.float32))
            frames = pd.DataFrame(index=cells), pd.DataFrame(index=features)
            anndata.AnnData(counts, *frames).write_h5ad(
                tmp_path / f"{sample}_{name}.h5ad"
            )
    return types


def test_annotated_text_and_clustered_h5ad(tmp_path, run_rules, toy):
    sheet = HEADER + "given\ttext\td1\trna.csv\tatac.csv\t\ttoy\ttypes.csv\n"
    for sample in ("one", "two"):
        sheet += (
            f"clustered\t{sample}\t\t{sample}_rna.h5ad\t{sample}_atac.h5ad\t\ttoy\t\n"
        )
    (tmp_path / "sheet.tsv").write_text(sheet)
    targets = [
        "results/given/prep/filtered.h5mu",
        "results/given/prep/markers.tsv",
        "results/clustered/prep/multiome.h5mu",
    ]
    result = run_rules(targets, RULES, CONFIG)
    assert result.returncode == 0, result.stderr

    given = io.read_mudata(
        tmp_path / "results/given/prep/filtered.h5mu", "filtered_cells"
    )
    expected = toy.rename(lambda cell: f"text:{cell}")
    assert (
        given.obs["cell_type"].astype(str).to_dict()
        == expected[given.obs_names].to_dict()
    )
    assert (given.obs["donor"] == "d1").all()
    written = pd.read_csv(tmp_path / "rna.csv", index_col=0)
    rna = given.mod["rna"]
    np.testing.assert_array_equal(
        rna.layers["counts"].toarray(),
        written.loc[rna.var_names, given.obs["barcode"]].to_numpy().T,
    )
    assert given.mod["atac"].var_names.str.match(r"chr1:\d+-\d+$").all()

    assert json.loads((tmp_path / "results/given/prep/summary.json").read_text())[
        "cell_types"
    ].keys() == {"inf", "007"}
    markers = io.read_table(tmp_path / "results/given/prep/markers.tsv", "markers")
    assert set(markers["cell_type"]) == {"inf", "007"}

    clustered = io.read_mudata(
        tmp_path / "results/clustered/prep/multiome.h5mu", "multiome"
    )
    assert clustered.n_obs == 2 * N_CELLS
    assert clustered.obs["sample"].astype(str).value_counts().to_dict() == {
        "one": N_CELLS,
        "two": N_CELLS,
    }
    truth = toy[clustered.obs["barcode"].astype(str)]
    assert adjusted_rand_score(truth, clustered.obs["cell_type"]) > 0.95
    summary = json.loads((tmp_path / "results/clustered/prep/summary.json").read_text())
    assert summary["cell_types_from"] == "joint clusters"
    for product, contract in (
        ("dropped", "dropped"),
        ("qc", "cell_qc"),
        ("markers", "markers"),
    ):
        io.read_table(tmp_path / f"results/clustered/prep/{product}.tsv", contract)


def test_wrong_inputs_stop_with_one_message(tmp_path, run_rules, toy):
    (tmp_path / "sheet.tsv").write_text(
        HEADER + "given\ttext\td1\trna.csv\tatac.csv\tatac.csv\ttoy\t\n"
    )
    result = run_rules(["prep"], RULES, CONFIG)
    assert result.returncode != 0
    assert "both atac and fragments" in result.stderr

    (tmp_path / "sheet.tsv").write_text(
        HEADER + "given\ttext\td1\trna.csv\tone_rna.h5ad\t\ttoy\t\n"
    )
    result = run_rules(["results/given/prep/multiome.h5mu"], RULES, CONFIG)
    assert result.returncode != 0
    assert "ingest_sample stopped: wrong input." in result.stderr
    assert "GENE0" in result.stderr
    assert (
        "Traceback"
        not in (tmp_path / "results/logs/given/prep/ingest_sample.text.log").read_text()
    )
