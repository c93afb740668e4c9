"""The rules of stage topics on a made-up dataset."""

import anndata
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core import io

TOPICS = {
    "seed": 1,
    "n_topics": [2, 3],
    "min_cells": 2,
    "lda_tomotopy": {"n_iterations": 60, "alpha": 3, "eta": 0.1},
    "region_sets": {"n_top": 50, "kinds": ["topic_otsu", "topic_li", "topic_top"]},
}


def write_multiome(path, rng):
    """90 cells of three types; each type opens 60 regions of its own."""
    types = np.repeat(["a", "b", "T cell"], 30)
    chance = np.full((90, 200), 0.05)
    for number, name in enumerate(("a", "b", "T cell")):
        chance[types == name, number * 60 : (number + 1) * 60] = 0.6
    counts = sp.csr_matrix((rng.random((90, 200)) < chance).astype(np.int32))
    cells = [f"c{i}" for i in range(90)]
    starts = np.arange(200) * 5000
    regions = pd.DataFrame(
        {"chrom": "chr1", "start": starts, "end": starts + 500, "n_cells": 1}
    )
    regions.index = [f"chr1:{s}-{s + 500}" for s in starts]
    atac = anndata.AnnData(
        counts.astype(np.float32), obs=pd.DataFrame(index=cells), var=regions
    )
    genes = pd.DataFrame({"n_cells": 1, "highly_variable": True}, index=["G1", "G2"])
    rna_counts = sp.csr_matrix(np.ones((90, 2), dtype=np.int32))
    rna = anndata.AnnData(
        rna_counts.astype(np.float32), obs=pd.DataFrame(index=cells), var=genes
    )
    for modality, layer, key in ((rna, rna_counts, "X_pca"), (atac, counts, "X_lsi")):
        modality.layers["counts"] = layer
        modality.obsm[key] = np.zeros((90, 2))
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData({"rna": rna, "atac": atac})
    data.obs = pd.DataFrame(
        {"cell_type": types, "sample": "s1", "donor": "d1"}, index=cells
    )
    io.write_mudata(data, path / "multiome.h5mu", "multiome")
    io.write_mudata(data, path / "filtered.h5mu", "filtered_cells")


def test_topics_from_multiome_to_region_sets_and_a_forced_count(tmp_path, run_rules):
    write_multiome(tmp_path / "results/tiny/prep", np.random.default_rng(0))
    folder = tmp_path / "results/tiny/topics"
    rules = ["fit_topics", "select_topics", "binarize_topics"]
    result = run_rules(
        ["results/tiny/topics/region_sets.parquet"], rules, {"topics": TOPICS}
    )
    assert result.returncode == 0, result.stderr

    selection = io.read_table(folder / "model_selection.tsv", "topic_selection")
    assert selection.query("selected")["n_topics"].tolist() == [3]
    cell_topic = io.read_table(folder / "cell_topic.parquet", "cell_topic")
    assert cell_topic.shape == (90, 4)
    region_topic = io.read_table(folder / "region_topic.parquet", "region_topic")
    np.testing.assert_allclose(region_topic.drop(columns="region").sum(), 1)
    sets = io.read_table(folder / "region_sets.parquet", "region_sets")
    assert set(sets["kind"]) == {"topic_otsu", "topic_li", "topic_top", "dar"}
    shown = selection.set_index("n_topics")
    assert shown.loc[3, "mean_score"] == 1
    assert shown.loc[3, "cao_juan_2009"] < 1
    planted = {f"chr1:{s * 5000}-{s * 5000 + 500}" for s in range(120, 180)}
    found = set(sets.query("kind == 'dar' and set == 'T cell'")["region"])
    assert len(found & planted) >= 55
    assert len(found - planted) <= 10

    # another count is forced: the fits stay, the selection is made again
    forced = {"topics": TOPICS | {"selected": 2}}
    result = run_rules(
        ["results/tiny/topics/model_selection.tsv"], ["select_topics"], forced
    )
    assert result.returncode == 0, result.stderr
    selection = io.read_table(folder / "model_selection.tsv", "topic_selection")
    assert selection.query("selected")["n_topics"].tolist() == [2]
    cell_topic = io.read_table(folder / "cell_topic.parquet", "cell_topic")
    assert cell_topic.shape == (90, 3)
