"""From prior and links to eRegulons and cell-type GRNs through the workflow, on a planted network."""

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import io

TFS = ["TF1", "TF2"]
TARGETS = {"TF1": [f"G{i}" for i in range(12)], "TF2": [f"G{i}" for i in range(12, 24)]}
GENES = [*TFS, *(f"G{i}" for i in range(30))]
RULES = ["prepare_prior", "select_tfs", "link_regions", "build_cistromes", "build_eregulons", "filter_eregulons",
         "build_cell_type_grns"]  # fmt: skip
CONFIG = {
    "grn": {
        "tfs": {"lists": ["tfs.txt"], "min_cells": 3},
        "region_gene": {"min_cells": 3, "n_trees": 20},
        "cistromes": {"prior": {"table": "prior.tsv", "collections": []}},
        "eregulons": {"min_targets": 5},
    }
}


def modality(counts, cells, var, embedding):
    data = anndata.AnnData(
        counts.astype(np.float32), obs=pd.DataFrame(index=cells), var=var
    )
    data.layers["counts"] = counts
    data.obsm[embedding] = np.zeros((len(cells), 2))
    return data


@pytest.fixture
def inputs(tmp_path):
    """80 cells of two types; TF1 with its targets and their promoters in `left`, TF2's in `right`."""
    rng = np.random.default_rng(0)
    n = 80
    left = np.arange(n) < n // 2
    cells = [f"s1:c{i}" for i in range(n)]
    of_left = np.array([g in TARGETS["TF1"] or g == "TF1" for g in GENES])
    of_right = np.array([g in TARGETS["TF2"] or g == "TF2" for g in GENES])
    on = np.where(left[:, None], of_left, of_right)
    rna = sp.csr_matrix(rng.poisson(np.where(on, 2.0, 0.2)))
    atac = sp.csr_matrix(rng.random(on.shape) < np.where(on, 0.6, 0.1), dtype=np.int64)
    starts = np.arange(len(GENES)) * 400_000 + 1_000_000
    regions = [f"chr1:{s}-{s + 500}" for s in starts]
    genes = pd.DataFrame(
        {"n_cells": rna.getnnz(axis=0), "highly_variable": True}, index=GENES
    )
    places = pd.DataFrame(
        {"chrom": "chr1", "start": starts, "end": starts + 500, "n_cells": 10},
        index=regions,
    )
    mudata.set_options(pull_on_update=False)
    multiome = mudata.MuData(
        {
            "rna": modality(rna, cells, genes, "X_pca"),
            "atac": modality(atac, cells, places, "X_lsi"),
        }
    )
    multiome.obs = pd.DataFrame(
        {"cell_type": np.where(left, "left", "right/2"), "sample": "s1", "donor": "d"},
        index=cells,
    )
    folder = tmp_path / "results" / "tiny"
    io.write_mudata(multiome, folder / "prep" / "multiome.h5mu", "multiome")
    io.write_mudata(multiome, folder / "prep" / "filtered.h5mu", "filtered_cells")
    tss = pd.DataFrame(
        {
            "gene": GENES,
            "gene_id": None,
            "chrom": "chr1",
            "tss": starts + 100,
            "strand": "+",
        }
    )
    io.write_table(tss.assign(biotype=None), folder / "prep" / "tss.parquet", "tss")
    share = np.where(left, 0.9, 0.1) + rng.normal(0, 0.01, n)
    io.write_table(
        pd.DataFrame({"cell": cells, "topic_1": share, "topic_2": 1 - share}),
        folder / "topics" / "cell_topic.parquet",
        "cell_topic",
    )
    loading = np.where(np.c_[of_left, of_right], 1.0, 0.1)
    loading /= loading.sum(axis=0)
    io.write_table(
        pd.DataFrame(
            {"region": regions, "topic_1": loading[:, 0], "topic_2": loading[:, 1]}
        ),
        folder / "topics" / "region_topic.parquet",
        "region_topic",
    )
    sets = pd.DataFrame(
        {"set": "topic_1", "kind": "topic_otsu", "region": regions, "score": 1.0}
    )
    io.write_table(sets, folder / "topics" / "region_sets.parquet", "region_sets")
    pairs = pd.DataFrame(
        [(tf, g) for tf in TFS for g in GENES[2:]], columns=["tf", "gene"]
    )
    true = np.array([g in TARGETS[tf] for tf, g in pairs.itertuples(index=False)])
    pairs["importance"], pairs["rho"] = (
        np.where(true, 2.0, 0.1),
        np.where(true, 0.4, 0.01),
    )
    io.write_table(pairs, folder / "grn" / "tf_gene.parquet", "tf_gene")
    scores = [(f"{tf}_direct_+/+", t, 0.9 if (tf == "TF1") == (t == "left") else 0.1) for tf in TFS
              for t in ("left", "right/2")]  # fmt: skip
    specificity = pd.DataFrame(scores, columns=["eregulon", "cell_type", "rss"])
    io.write_table(specificity, folder / "grn" / "specificity.parquet", "specificity")
    (tmp_path / "tfs.txt").write_text("TF1\nTF2\nNOT_MEASURED\n")
    prior = pd.DataFrame(
        [(tf, g) for tf in TFS for g in GENES[2:]], columns=["tf", "gene"]
    )
    prior.to_csv(tmp_path / "prior.tsv", sep="\t", index=False)
    return folder


def test_planted_network_reaches_the_cell_types_and_an_empty_one_says_why(
    inputs, run_rules
):
    done = run_rules(
        ["results/tiny/grn/cell_type", "results/tiny/grn/funnel.tsv"], RULES, CONFIG
    )
    assert done.returncode == 0, done.stderr
    eregulons = io.read_table(inputs / "grn" / "eregulons.parquet", "eregulons")
    found = eregulons.groupby("eregulon")["gene"].agg(set).to_dict()
    assert found == {f"{tf}_direct_+/+": set(genes) for tf, genes in TARGETS.items()}
    assert (inputs / "grn" / "tfs.txt").read_text() == "TF1\nTF2\n"
    assert (
        io.read_table(inputs / "grn" / "funnel.tsv", "funnel")["tfs"].tolist()
        == [2] * 6
    )
    assert sorted(p.name for p in (inputs / "grn" / "cell_type").glob("*.parquet")) == [
        "left.parquet",
        "right_2.parquet",
    ]
    left = io.read_table(inputs / "grn" / "cell_type" / "left.parquet", "cell_type_grn")
    assert set(left["tf"]) == {"TF1"}
    assert set(left["gene"]) == set(TARGETS["TF1"])
    summary = io.read_table(
        inputs / "grn" / "cell_type_summary.tsv", "cell_type_summary"
    ).set_index("cell_type")
    assert summary.loc["right/2", ["file", "edges"]].tolist() == ["right_2.parquet", 12]

    # a setting that leaves nothing reruns this rule alone, which says what emptied the run and leaves no output
    nothing = {"grn": CONFIG["grn"] | {"eregulons": {"min_targets": 20}}}
    failed = run_rules(["results/tiny/grn/eregulons.parquet"], RULES, nothing)
    assert failed.returncode != 0
    assert "build_eregulons emptied the run" in failed.stderr
    assert "lower grn.eregulons.min_targets" in failed.stderr
    assert not (inputs / "grn" / "eregulons_unfiltered.parquet").exists()
