"""A given network in the place of an inferred one."""

import logging
from pathlib import Path

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.graph.build import build_bundle
from grnformer.grn.activity.activity import score_activity
from grnformer.grn.cell_type.edges import edge_signs
from grnformer.grn.given.read import read_network
from grnformer.grn.given.take import Taken, read_given, take_network
from grnformer.settings.read import read_defaults

GENES = ["A", "B", "C", *(f"g{i}" for i in range(10))]
TYPES = ["x"] * 3 + ["y"] * 2


def take(folder: Path, text: str, min_targets: int = 1, **options: object) -> Taken:
    path = folder / "net.tsv"
    path.write_text(text)
    network = read_network(path)
    return take_network(network, GENES, TYPES, min_targets=min_targets, **options)


def test_edges_keep_weight_rank_and_sign(tmp_path: Path) -> None:
    text = "source\ttarget\tweight\nA\tg0\t3\nA\tg1\t-2\nB\tg0\t0.5\nB\tZ\t9\nA\tA\t9\nB\tg1\t0\nA\tg0\t1\n"
    taken = take(tmp_path, text, files=[tmp_path / "net.tsv"])
    for name in ("x", "y"):
        edges = taken.networks[name]
        assert edges[["tf", "gene", "weight", "sign"]].to_numpy().tolist() == [
            ["A", "g0", 1.0, 1], ["A", "g1", 2 / 3, -1], ["B", "g0", 1 / 3, 1],
        ]  # fmt: skip
        assert edges["eregulons"].tolist() == [["A_given_+/0"], ["A_given_-/0"], ["B_given_+/0"]]  # fmt: skip
    left_out = {"not_in_the_data": 1, "loops": 1, "weights_of_0": 1}
    assert (
        taken.about["counts"] == {"rows": 7, "edges": 3, "without_sign": 0} | left_out
    )
    assert list(taken.about["files"]) == ["net.tsv"]
    assert taken.summary["cells"].tolist() == [3, 2]
    eregulons = taken.eregulons
    assert edge_signs(eregulons["eregulon"]).tolist() == [1, -1, 1]
    assert eregulons["tf_gene_weight"].tolist() == [3, 2, 0.5]
    # by the contracts of inferred networks
    io.write_table(eregulons, tmp_path / "e.parquet", "eregulons")
    io.write_table(taken.networks["x"], tmp_path / "x.parquet", "cell_type_grn")
    io.write_table(taken.summary, tmp_path / "s.tsv", "cell_type_summary")
    io.write_table(taken.funnel, tmp_path / "f.tsv", "funnel")
    io.write_json(taken.about, tmp_path / "g.json", "given_network")


def test_contradicting_signs_are_none_and_none_is_activating(tmp_path: Path) -> None:
    text = "tf\tgene\tsign\nA\tg0\t+\nA\tg0\t-\nA\tg1\t?\nA\tg2\t-\n"
    taken = take(tmp_path, text)
    assert taken.networks["x"]["sign"].tolist() == [1, 1, -1]
    assert taken.networks["x"]["weight"].tolist() == [1.0] * 3
    assert taken.about["counts"]["without_sign"] == 2


def test_cell_types_have_their_own_edges(tmp_path: Path) -> None:
    text = "tf\tgene\tcell_type\nA\tg0\tx\nB\tg1\ty\nB\tg2\ty\n"
    taken = take(tmp_path, text)
    assert [len(taken.networks[name]) for name in ("x", "y")] == [1, 2]
    # eRegulons are of all types
    assert taken.eregulons["eregulon"].nunique() == 2
    with pytest.raises(InputError, match="none in \\['y'\\]"):
        take(tmp_path, text.replace("\ty", "\tx"))


def test_a_folder_has_a_table_a_cell_type(tmp_path: Path) -> None:
    for name, gene in (("x", "g0"), ("y", "g1")):
        (tmp_path / f"{name}.csv").write_text(f"tf,gene\nA,{gene}\n")
    (tmp_path / ".snakemake_timestamp").touch()
    hidden, *files = sorted(tmp_path.iterdir())
    table = read_given([hidden, *files], ["x", "y"]).table
    assert table[["gene", "cell_type"]].to_numpy().tolist() == [["g0", "x"], ["g1", "y"]]  # fmt: skip
    # a single one that is named by a type is not of all types
    assert read_given(files[:1], ["x", "y"]).table["cell_type"].tolist() == ["x"]
    with pytest.raises(InputError, match="named by no cell type"):
        read_given(files, ["x", "z"])


def test_small_regulons_have_no_activity_and_keep_their_edges(tmp_path: Path) -> None:
    text = "tf\tgene\n" + "".join(f"A\tg{i}\n" for i in range(5)) + "B\tg0\n"
    taken = take(tmp_path, text, min_targets=5)
    assert taken.eregulons["tf"].unique().tolist() == ["A"]
    edges = taken.networks["x"].set_index("tf")
    assert edges.loc["B", "eregulons"] == []
    assert taken.funnel["pairs"].tolist() == [6, 6, 5]
    with pytest.raises(InputError, match="no TF of the given network has 6 targets"):
        take(tmp_path, text, min_targets=6)


def test_direct_and_extended_eregulons_keep_their_genes(tmp_path: Path) -> None:
    text = "TF\tRegion\tGene\teRegulon_name\nA\tr\tg0\tA_direct_+/+\n"
    text += "A\tr\tg0\tA_extended_+/+\nA\tr\tg1\tA_extended_+/+\n"
    taken = take(tmp_path, text)
    members = taken.eregulons.groupby("eregulon")["gene"].agg(list).to_dict()
    assert members == {"A_direct_+/+": ["g0"], "A_extended_+/+": ["g0", "g1"]}
    assert taken.networks["x"]["eregulons"].tolist()[0] == ["A_direct_+/+", "A_extended_+/+"]  # fmt: skip


def test_members_of_a_regulon_stay_at_weight_0(tmp_path: Path) -> None:
    text = "TF\tRegion\tGene\teRegulon_name\timportance_TF2G\n"
    text += "A\tr\tg0\tA_direct_+/+\t0\nA\tr\tg1\tA_direct_+/+\t2\n"
    edges = take(tmp_path, text).networks["x"]
    assert edges[["gene", "weight"]].to_numpy().tolist() == [["g0", 0.5], ["g1", 1.0]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tf\tgene\nENSG01\tENSG02\n", "0 of 2 genes"),
        ("tf\tgene\na\tG0\nb\tG1\n", "capitals are ignored, 100%"),
        ("tf\tgene\nZ\tg0\n", "0 of its 1 TFs"),
        ("tf\tgene\nA\tA\n", "no edge"),
    ],
    ids=["ids", "other species", "no TF", "loops alone"],
)
def test_networks_of_other_genes_are_refused(
    tmp_path: Path, text: str, found: str
) -> None:
    with pytest.raises(InputError, match=found):
        take(tmp_path, text)


def test_few_genes_in_common_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "tf\tgene\nA\tg0\n" + "".join(f"A\tz{i}\n" for i in range(5))
    with caplog.at_level(logging.WARNING):
        take(tmp_path, text)
    assert "2 of 7 genes" in caplog.text


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "tf": rng.choice(["A", "B", "C"], 60),
            "gene": rng.choice(GENES, 60),
            "weight": rng.integers(-3, 4, 60),
        }
    )
    takes = []
    for part in (table, table.sample(frac=1, random_state=1)):
        takes.append(take(tmp_path, part.to_csv(sep="\t", index=False)))
    first, second = takes
    pd.testing.assert_frame_equal(first.networks["x"], second.networks["x"])
    pd.testing.assert_frame_equal(first.eregulons, second.eregulons)


def test_a_given_network_becomes_a_graph_of_cells_and_types(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = sp.csr_matrix(rng.poisson(2, (len(TYPES), len(GENES))).astype(np.float32))
    cells = [f"c{i}" for i in range(len(TYPES))]
    var = pd.DataFrame({"n_cells": 5, "highly_variable": False}, index=GENES)
    rna = anndata.AnnData(counts, pd.DataFrame(index=cells), var)
    atac = anndata.AnnData(
        counts[:, :1].sign(),
        pd.DataFrame(index=cells),
        pd.DataFrame({"chrom": "chr1", "start": 0, "end": 5, "n_cells": 5}, ["r"]),
    )
    for part, key in ((rna, "X_pca"), (atac, "X_lsi")):
        part.layers["counts"] = part.X.astype(int)
        part.obsm[key] = np.zeros((len(cells), 1))
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData({"rna": rna, "atac": atac})
    data.obs = pd.DataFrame(
        {"cell_type": TYPES, "sample": "s", "donor": "d"}, index=cells
    )
    io.write_mudata(data, tmp_path / "m.h5mu", "multiome")

    text = "tf\tgene\tcell_type\nA\tg0\tx\nA\tg1\tx\nB\tg1\ty\n"
    taken = take(tmp_path, text)
    for name, table in taken.networks.items():
        io.write_table(table, tmp_path / f"grn/{name}.parquet", "cell_type_grn")
    io.write_table(taken.eregulons, tmp_path / "e.parquet", "eregulons")
    rna.obs["cell_type"] = TYPES
    rna.obsm["X_umap"] = np.zeros((len(TYPES), 2))
    settings = read_defaults("grn")["cell"] | {"auc_threshold": 0.5}
    activity, _ = score_activity(rna, taken.eregulons, seed=1, **settings)
    io.write_anndata(activity, tmp_path / "a.h5ad", "cell_activity")
    bundle = build_bundle(
        tmp_path / "m.h5mu", tmp_path / "grn", tmp_path / "e.parquet", tmp_path / "a.h5ad",
        {gene: i for i, gene in enumerate(GENES)}, {}, mode="hybrid", min_cells=1, max_genes=50,
        max_regulators=None, cell_weight="tf_gene", seed=1,
    )  # fmt: skip
    name = bundle.graph.genes["gene"]
    edges = bundle.graph.edges
    found = zip(edges["cell_type"], name[edges["tf"]], name[edges["gene"]], strict=True)
    assert list(found) == [("x", "A", "g0"), ("x", "A", "g1"), ("y", "B", "g1")]
    # as many in the scale of cells, by regulon
    assert len(bundle.graph.eregulons) == 3
