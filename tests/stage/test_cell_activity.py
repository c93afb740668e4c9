"""From expression to TF-gene importance, eRegulon activity and specificity, through the rules."""

import anndata
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core import io

RULES = ["infer_tf_gene", "score_cell_activity", "score_specificity"]


def write_inputs(folder, rng):
    """120 cells of two types; TF1 and its targets G1..G10 are on in type a, TF2 and G11..G20 in type b."""
    types = np.repeat(["a", "b"], 60)
    genes = ["TF1", "TF2", *(f"G{i}" for i in range(1, 59))]
    rate = np.full((120, 60), 0.5)
    for name, columns in (("a", [0, *range(2, 12)]), ("b", [1, *range(12, 22)])):
        rate[np.ix_(types == name, columns)] = 4
    counts = sp.csr_matrix(rng.poisson(rate).astype(np.int32))
    cells = [f"c{i}" for i in range(120)]
    var = pd.DataFrame(
        {"n_cells": counts.getnnz(axis=0), "highly_variable": True}, index=genes
    )
    rna = anndata.AnnData(
        counts.astype(np.float32).log1p(), obs=pd.DataFrame(index=cells), var=var
    )
    regions = pd.DataFrame(
        {"chrom": "chr1", "start": [0, 900], "end": [500, 1400], "n_cells": 120}
    )
    regions.index = ["chr1:0-500", "chr1:900-1400"]
    open_counts = sp.csr_matrix(np.ones((120, 2), dtype=np.int32))
    atac = anndata.AnnData(
        open_counts.astype(np.float32), obs=pd.DataFrame(index=cells), var=regions
    )
    for modality, layer, key in ((rna, counts, "X_pca"), (atac, open_counts, "X_lsi")):
        modality.layers["counts"] = layer
        modality.obsm[key] = np.zeros((120, 2))
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData({"rna": rna, "atac": atac})
    data.obs = pd.DataFrame(
        {"cell_type": types, "sample": "s1", "donor": "d1"}, index=cells
    )
    data.obsm["X_umap"] = np.column_stack([np.arange(120), np.zeros(120)])
    io.write_mudata(data, folder / "prep/multiome.h5mu", "multiome")
    io.write_mudata(data, folder / "prep/filtered.h5mu", "filtered_cells")
    (folder / "grn").mkdir(exist_ok=True)
    (folder / "grn/tfs.txt").write_text("TF1\nTF2\n")
    eregulons = pd.DataFrame(
        [
            (f"TF{tf}_direct_+/+", f"TF{tf}", "chr1:0-500", f"G{i + 10 * (tf - 1)}")
            for tf in (1, 2)
            for i in range(1, 11)
        ],
        columns=["eregulon", "tf", "region", "gene"],
    ).assign(
        tf_gene_weight=1.0,
        tf_gene_rho=0.5,
        region_gene_weight=1.0,
        region_gene_rho=0.5,
        evidence="prior:test",
    )
    io.write_table(eregulons, folder / "grn/eregulons.parquet", "eregulons")


def test_networks_and_activity_of_two_planted_programs(tmp_path, run_rules):
    folder = tmp_path / "results/tiny"
    write_inputs(folder, np.random.default_rng(0))
    targets = [
        f"results/tiny/grn/{name}"
        for name in ("tf_gene.parquet", "specificity.parquet")
    ]
    config = {
        "grn": {
            "tf_gene": {"hist_boosting": {"max_features": 1.0}},
            "cell": {"auc_threshold": 0.3},
        }
    }
    result = run_rules(targets, RULES, config)
    assert result.returncode == 0, result.stderr

    network = io.read_table(folder / "grn/tf_gene.parquet", "tf_gene")
    share = network.pivot_table(
        index="gene", columns="tf", values="importance", fill_value=0
    )
    assert (
        share.loc[[f"G{i}" for i in range(1, 21)]].sum(axis=1)
        > share.loc["G40":"G49"].sum(axis=1).max()
    ).all()
    assert (network.query("tf == 'TF1' and gene == 'G3'")["rho"] > 0).all()

    activity = io.read_anndata(folder / "grn/cell_activity.h5ad", "cell_activity")
    active = pd.DataFrame(
        activity.layers["active"].toarray(), columns=activity.var_names
    )
    assert activity.obsm["X_umap"][:, 0].tolist() == list(range(120))
    by_type = active.groupby(activity.obs["cell_type"].to_numpy()).mean()
    assert by_type.loc["a"].round().tolist() == [1, 0]
    assert by_type.loc["b"].round().tolist() == [0, 1]
    thresholds = io.read_table(folder / "grn/thresholds.tsv", "thresholds")
    assert thresholds["method"].tolist() == ["bimodal", "bimodal"]
    specificity = io.read_table(folder / "grn/specificity.parquet", "specificity")
    best = specificity.sort_values("rss").groupby("eregulon").last()["cell_type"]
    assert best.to_dict() == {"TF1_direct_+/+": "a", "TF2_direct_+/+": "b"}
