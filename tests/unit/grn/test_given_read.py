"""Networks of other tools, each in the form that the tool writes."""

import gzip
import logging
from pathlib import Path

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd
import pytest

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.grn.given.read import read_network
from grnformer.grn.given.regulons import split_name

# of SCENIC+ 1.0
SCENICPLUS = pd.DataFrame(
    [
        ("chr1:10-20", "g", "A", "A_direct_+/+", "A_direct_+/+_(2g)", 2.5, 1, 0.4),
        ("chr1:30-40", "g", "A", "A_direct_+/+", "A_direct_+/+_(2g)", 2.5, 1, 0.4),
        ("chr1:30-40", "h", "A", "A_direct_+/+", "A_direct_+/+_(2g)", 1.5, 1, 0.2),
        ("chr1:50-60", "h", "B", "B_direct_-/+", "B_direct_-/+_(1g)", 0.5, -1, -0.3),
    ],
    columns=["Region", "Gene", "TF", "eRegulon_name", "Gene_signature_name", "importance_TF2G", "regulation",
             "rho_TF2G"],
)  # fmt: skip
CTX = """,,Enrichment,Enrichment,Enrichment,Enrichment,Enrichment,Enrichment,Enrichment,Enrichment
,,AUC,NES,MotifSimilarityQvalue,OrthologousIdentity,Annotation,Context,TargetGenes,RankAtMax
TF,MotifID,,,,,,,,
A,m1,0.1,4.2,0.0,1.0,direct,"frozenset({'weight>75.0%', 'activating', 'hg38'})","[('g', 2.0), ('h', 1.0)]",500
A,m2,0.1,3.2,0.0,1.0,direct,"frozenset({'weight>90.0%', 'activating', 'hg38'})","[('g', np.float64(3.0))]",500
B,m3,0.1,3.2,0.0,1.0,direct,"frozenset({'repressing', 'hg38'})","[('h', 0.5)]",500
"""


def rows(path: Path) -> list[list[object]]:
    table = read_network(path).table
    return table[["tf", "gene", "weight", "sign"]].to_numpy().tolist()


def test_scenicplus(tmp_path: Path) -> None:
    path = tmp_path / "eRegulons_direct.tsv"
    SCENICPLUS.to_csv(path, sep="\t", index=False)
    network = read_network(path)
    expected = [["A", "g", 2.5, 1], ["A", "g", 2.5, 1], ["A", "h", 1.5, 1], ["B", "h", 0.5, -1]]  # fmt: skip
    assert rows(path) == expected
    assert (network.form, network.signs, network.weighted) == ("SCENIC+", "names", True)
    assert network.table["annotation"].unique().tolist() == ["direct"]
    # of SCENIC+ before 1.0
    old = SCENICPLUS.drop(columns=["eRegulon_name", "regulation"]).rename(
        columns={"importance_TF2G": "TF2G_importance", "rho_TF2G": "TF2G_rho"}
    )
    old["Gene_signature_name"] = ["A_+_+_(2g)"] * 3 + ["B_extended_-_+_(1g)"]
    old.to_csv(tmp_path / "old.csv")
    assert rows(tmp_path / "old.csv") == expected
    # without names the sign is that of the column
    SCENICPLUS.drop(columns=["eRegulon_name", "Gene_signature_name"]).to_parquet(
        tmp_path / "unnamed.parquet"
    )
    assert rows(tmp_path / "unnamed.parquet") == expected
    assert read_network(tmp_path / "unnamed.parquet").signs == "column"


def test_scenicplus_mudata_has_direct_and_extended(tmp_path: Path) -> None:
    cells = anndata.AnnData(np.ones((2, 2), np.float32))
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData({"scRNA_counts": cells})
    extended = SCENICPLUS.tail(1).replace("B_direct_-/+", "B_extended_-/+")
    data.uns["direct_e_regulon_metadata"] = SCENICPLUS
    data.uns["extended_e_regulon_metadata"] = extended
    data.write_h5mu(tmp_path / "scplusmdata.h5mu")
    network = read_network(tmp_path / "scplusmdata.h5mu")
    assert network.form == "SCENIC+"
    assert rows(tmp_path / "scplusmdata.h5mu")[-2:] == [["B", "h", 0.5, -1]] * 2
    assert network.table["annotation"].tolist() == ["direct"] * 4 + ["extended"]


def test_pyscenic(tmp_path: Path) -> None:
    motifs = tmp_path / "reg.csv"
    motifs.write_text(CTX)
    expected = [["A", "g", 2.0, 1], ["A", "h", 1.0, 1], ["A", "g", 3.0, 1], ["B", "h", 0.5, -1]]  # fmt: skip
    assert rows(motifs) == expected
    # as ctxcore writes it, with its commas
    gmt = tmp_path / "reg.gmt"
    gmt.write_text("A(+),\t,tf=A,score=4.2,\tg\th\nB(-),\t,tf=B,score=3.2,\th\n")
    unweighted = [["A", "g", 1.0, 1], ["A", "h", 1.0, 1], ["B", "h", 1.0, -1]]
    assert rows(gmt) == unweighted
    assert not read_network(gmt).weighted
    loom = tmp_path / "auc.loom"
    members = np.array([(1, 0), (1, 1)], dtype=[("A_(+)", "<i8"), ("B_(-)", "<i8")])
    with h5py.File(loom, "w") as file:
        file["row_attrs/Gene"] = np.array([b"g", b"h"])
        file["row_attrs/Regulons"] = members
    assert rows(loom) == unweighted


def test_gene_sets_without_signs_have_none(tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text("A\tna\tg\th\ti\nB\tna\tg\n")
    assert [row[3] for row in rows(path)] == [0] * 4
    assert read_network(path).signs == "none"


def test_celloracle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    links = pd.DataFrame(
        [("A", "g", 0.5, 0.5, 1e-9, 9.0), ("B", "h", -0.25, 0.25, 0.5, 0.3)],
        columns=["source", "target", "coef_mean", "coef_abs", "p", "-logp"],
    ).assign(cluster=["x", "y"])
    links.to_csv(tmp_path / "links.csv")
    with caplog.at_level(logging.WARNING):
        assert rows(tmp_path / "links.csv") == [["A", "g", 0.5, 1], ["B", "h", -0.25, -1]]  # fmt: skip
    assert "1 of 2 links have p above" in caplog.text
    network = read_network(tmp_path / "links.csv")
    assert network.table["cell_type"].tolist() == ["x", "y"]
    assert (network.form, network.signs) == ("CellOracle links", "weights")
    base = pd.DataFrame(
        {
            "peak_id": ["chr1_1_2", "chr1_5_6"],
            "gene_short_name": ["g", "g"],
            "A": [1.0, 1.0],
            "B": [0.0, 1.0],
        }
    )
    base.to_parquet(tmp_path / "base.parquet")
    assert rows(tmp_path / "base.parquet") == [["A", "g", 1.0, 0], ["B", "g", 1.0, 0]]


def test_gretapy_has_a_row_for_each_region(tmp_path: Path) -> None:
    path = tmp_path / "grn.csv"
    path.write_text(
        "source,cre,target,score\nA,chr1-10-20,g,0.5\nA,chr1-30-40,g,0.5\nB,chr1-10-20,h,-0.2\n"
    )
    assert rows(path) == [["A", "g", 0.5, 1]] * 2 + [["B", "h", -0.2, -1]]
    assert (read_network(path).form, read_network(path).signs) == ("gretapy", "weights")


def test_weights_of_genernib_are_text(tmp_path: Path) -> None:
    """As its guide says to write them, beside no cells."""
    net = pd.DataFrame({"source": ["A", "B"], "target": ["g", "h"], "weight": ["0.5", "-1e-3"]})  # fmt: skip
    held = {"method_id": "grnboost2", "dataset_id": "norman", "prediction": net}
    anndata.AnnData(X=None, uns=held).write_h5ad(tmp_path / "net.h5ad")
    assert rows(tmp_path / "net.h5ad") == [["A", "g", 0.5, 1], ["B", "h", -0.001, -1]]
    assert read_network(tmp_path / "net.h5ad").form == "geneRNIB"


def test_decoupler_and_plain_tables(tmp_path: Path) -> None:
    path = tmp_path / "net.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("source,target,weight,resources\nA,g,1,x\nA,h,-1,x\n")
    assert rows(path) == [["A", "g", 1.0, 1], ["A", "h", -1.0, -1]]
    assert read_network(path).form == "decoupler"
    # a column of signs is not passed over
    signed = tmp_path / "signed.csv"
    signed.write_text("source,target,weight,sign\nA,g,2,1\nA,h,3,-1\n")
    assert rows(signed) == [["A", "g", 2.0, 1], ["A", "h", 3.0, -1]]
    plain = tmp_path / "net.tsv"
    # weights above 0 alone state no signs
    for text, expected, signs in (
        ("TF\ttarget\timportance\nA\tg\t2\n", ["A", "g", 2.0, 0], "none"),
        ("tf\tgene\nA\tg\n", ["A", "g", 1.0, 0], "none"),
        ("tf\tgene\tsign\nA\tg\t-\n", ["A", "g", 1.0, -1], "column"),
        ("regulator\tgene\tweight\tsign\nA\tg\t3\trepression\n", ["A", "g", 3.0, -1], "column"),
        ("# made by me\ntf\tgene\n007\tNA\n", ["007", "NA", 1.0, 0], "none"),
    ):  # fmt: skip
        plain.write_text(text)
        assert rows(plain) == [expected]
        assert read_network(plain).signs == signs


def test_our_own_tables_are_read_again(tmp_path: Path) -> None:
    edges = pd.DataFrame({"tf": ["A", "B"], "gene": ["g", "h"], "weight": [0.5, 1.0], "sign": [1, -1]})  # fmt: skip
    lists = edges.assign(regions=[["r"], []], eregulons=[["A_direct_+/+"], []])
    io.write_table(lists.assign(evidence="x"), tmp_path / "K562.parquet", "cell_type_grn")  # fmt: skip
    expected = [["A", "g", 0.5, 1], ["B", "h", 1.0, -1]]
    assert rows(tmp_path / "K562.parquet") == expected
    # a missing name is none, whatever it is written as
    nameless = pd.concat([edges, edges.head(1).assign(gene=None)])
    nameless.to_parquet(tmp_path / "nameless.parquet")
    assert rows(tmp_path / "nameless.parquet") == expected
    triplets = pd.DataFrame(
        {"eregulon": "A_direct_-/+", "tf": "A", "region": "r", "gene": ["g"], "tf_gene_weight": 2.0}
    )  # fmt: skip
    triplets.to_parquet(tmp_path / "eregulons.parquet")
    assert rows(tmp_path / "eregulons.parquet") == [["A", "g", 2.0, -1]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A\tg\nB\th\n", "columns"),
        ("TF\tsource\ttarget\nA\tB\tg\n", "'TF' and 'source'"),
        ("tf\tgene\tweight\tscore\nA\tg\t1\t2\n", "'weight' and 'score'"),
        ("tf\tgene\tsign\nA\tg\tperhaps\n", "perhaps"),
        ("tf\tgene\tweight\tsign\nA\tg\t-1\t+\n", "negative weight"),
        ("tf\tgene\tweight\nA\tg\t\n", "1 weights"),
        ("TF\tRegion\tGene\teRegulon_name\nA\tr\tg\tA_direct\n", "states no sign"),
        ("tf\tgene\n\tg\n", "no TF-gene pair"),
    ],
    ids=["no header", "two TFs", "two weights", "no sign", "signs disagree", "no weight", "no sign in name", "no TF"],
)  # fmt: skip
def test_what_may_mean_several_things_is_refused(
    tmp_path: Path, text: str, found: str
) -> None:
    path = tmp_path / "net.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=found):
        read_network(path)


def test_files_without_a_network_are_refused(tmp_path: Path) -> None:
    cells = anndata.AnnData(np.ones((1, 1), np.float32))
    cells.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match="holds no network"):
        read_network(tmp_path / "cells.h5ad")
    links = (tmp_path / "cells.h5ad").rename(tmp_path / "my.celloracle.links")
    with pytest.raises(InputError, match=r"links.filtered_links\[cluster\].to_csv"):
        read_network(links)
    links.rename(tmp_path / "cells.h5ad")
    whole = (tmp_path / "cells.h5ad").read_bytes()
    (tmp_path / "cut.h5ad").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut off"):
        read_network(tmp_path / "cut.h5ad")
    (tmp_path / "reg.csv").write_text(CTX.replace("[('h', 0.5)]", "open('x')"))
    with pytest.raises(InputError, match="open"):
        read_network(tmp_path / "reg.csv")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("GATA1(+)", ("GATA1", 1, "given", "0")),
        ("GATA1 (-)", ("GATA1", -1, "given", "0")),
        ("GATA1_(+)-motif", ("GATA1", 1, "given", "0")),
        ("HLA-A_direct_-/+_(12g)", ("HLA-A", -1, "direct", "+")),
        ("NKX2_1_extended_+/-", ("NKX2_1", 1, "extended", "-")),
        ("GATA1_+_-_(7r)", ("GATA1", 1, "direct", "-")),
        ("GATA1_given_-/0", ("GATA1", -1, "given", "0")),
        ("NKX2-1", ("NKX2-1", 0, "given", "0")),
    ],
)
def test_names_state_tf_and_sign(name: str, parts: tuple[object, ...]) -> None:
    assert split_name(name) == parts
