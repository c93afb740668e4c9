"""The rule of the GRN accuracy benchmark on a made-up dataset."""

import json

import anndata
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core import io

GENES = ["TF1", "TF2", *(f"G{i}" for i in range(98))]
TARGETS = {"TF1": GENES[2:32], "TF2": GENES[52:82]}


def modality(counts, cells, var, embedding):
    data = anndata.AnnData(
        counts.astype(np.float32), obs=pd.DataFrame(index=cells), var=var
    )
    data.layers["counts"] = counts
    data.obsm[embedding] = np.zeros((len(cells), 2))
    return data


def write_inputs(folder, rng):
    cells = [f"c{i}" for i in range(30)]
    starts = np.arange(100) * 5000
    regions = pd.DataFrame(
        {"chrom": "chr1", "start": starts, "end": starts + 500, "n_cells": 1}
    )
    regions.index = [f"chr1:{s}-{s + 500}" for s in starts]
    genes = pd.DataFrame({"n_cells": 1, "highly_variable": True}, index=GENES)
    rna = modality(
        sp.csr_matrix(rng.poisson(1.0, (30, 100)).astype(np.int32)),
        cells,
        genes,
        "X_pca",
    )
    atac = modality(
        sp.csr_matrix((rng.random((30, 100)) < 0.5).astype(np.int32)),
        cells,
        regions,
        "X_lsi",
    )
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData({"rna": rna, "atac": atac})
    data.obs = pd.DataFrame(
        {"cell_type": "line 1", "sample": "s1", "donor": "d1"}, index=cells
    )
    results = folder / "results/tiny"
    io.write_mudata(data, results / "prep/multiome.h5mu", "multiome")
    tss = pd.DataFrame(
        {
            "gene": GENES,
            "gene_id": None,
            "chrom": "chr1",
            "tss": starts + 250,
            "strand": "+",
        }
    )
    io.write_table(tss.assign(biotype=None), results / "prep/tss.parquet", "tss")
    edges = pd.DataFrame(
        [(tf, gene) for tf, genes in TARGETS.items() for gene in genes],
        columns=["tf", "gene"],
    )
    io.write_table(
        edges.assign(importance=1.0, rho=0.1),
        results / "grn/tf_gene.parquet",
        "tf_gene",
    )
    grn = edges.assign(
        weight=1.0,
        sign=1,
        regions=[["r"]] * 60,
        eregulons=[["e"]] * 60,
        evidence="planted",
    )
    io.write_table(grn, results / "grn/cell_type/line_1.parquet", "cell_type_grn")
    (folder / "truth.json").write_text(
        json.dumps({f"{tf} L1": genes for tf, genes in TARGETS.items()})
    )
    (folder / "tfs.txt").write_text("TF1\nTF2\n")
    edges.assign(sources="TRRUST").to_csv(folder / "prior.tsv", sep="\t", index=False)


def test_scores_and_summary_of_a_planted_network(tmp_path, run_rules):
    write_inputs(tmp_path, np.random.default_rng(0))
    lines = [{"dataset": "tiny", "cell_type": "line 1", "line": "L1"}]
    settings = {"truth": "truth.json", "tfs": "tfs.txt", "lines": lines}
    target = "results/tiny/bench/grn_accuracy/summary.tsv"
    config = {
        "bench": {"n_resamples": 100, "grn_accuracy": settings},
        "grn": {"cistromes": {"prior": {"table": "prior.tsv"}}},
    }
    result = run_rules([target], ["score_grn_accuracy"], config)
    assert result.returncode == 0, result.stderr
    io.read_table(tmp_path / target.replace("summary", "scores"), "scores")
    assert (
        io.read_table(tmp_path / target.replace("summary", "truth"), "grn_truth")[
            "fate"
        ].tolist()
        == ["used"] * 2
    )
    summary = io.read_table(tmp_path / target, "summary").set_index(
        ["task", "metric", "arm"]
    )
    best = summary.loc[("line 1", "auprc_ratio", "eregulon")]
    assert best["estimate"] > 3
    assert best["above_baseline"] > 1.5
    assert (
        summary.loc[("line 1", "auprc_ratio", "eregulon (wrong TF)"), "estimate"] < 1.2
    )
