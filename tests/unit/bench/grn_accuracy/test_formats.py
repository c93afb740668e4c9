"""Networks of other benchmarks: written, read again, refused."""

import gzip
from pathlib import Path

import anndata
import pandas as pd
import pytest

from grnformer.bench.grn_accuracy import formats
from grnformer.bench.grn_accuracy.formats import (
    read_network,
    to_genernib,
    to_gretapy,
)
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.grn.cell_type.edges import merge_eregulons
from grnformer.grn.given import read

TRIPLETS = pd.DataFrame(
    [
        ("A_direct_-/+", "A", "chr1:10-20", "g", 0.7, 0.4),
        ("A_extended_-/+", "A", "chr1:10-20", "g", 0.7, 0.4),
        ("A_direct_-/+", "A", "chr1:30-40", "g", 0.7, 0.1),
        ("B_direct_+/+", "B", "chr1:30-40", "h", 0.0, 0.2),
        ("C_direct_+/+", "C", "chr1:30-40", "h", 0.0, 0.1),
    ],
    columns=[
        *("eregulon", "tf", "region", "gene"),
        *("tf_gene_weight", "region_gene_weight"),
    ],
).assign(evidence="motif")
EDGES = merge_eregulons(TRIPLETS)
#: mean rank of the TF's importance and of the best link; C and B have no importance
SIGNED = [["A", "g", -1.0], ["B", "h", 7 / 12], ["C", "h", 5 / 12]]


def signed_edges(path: Path) -> list[list[object]]:
    table = read.read_network(path).table.assign(
        weight=lambda found: found["weight"].abs() * found["sign"]
    )
    pairs = table[["tf", "gene", "weight"]].drop_duplicates()
    return pairs.sort_values(["tf", "gene"]).round(5).to_numpy().tolist()


def rounded(edges: list[list[object]]) -> list[list[object]]:
    return [[tf, gene, round(weight, 5)] for tf, gene, weight in edges]


def test_a_network_goes_to_genernib_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "network.h5ad"
    io.write_anndata(to_genernib(EDGES, "demo"), path, "genernib_network")
    assert signed_edges(path) == rounded(SIGNED)
    uns = anndata.read_h5ad(path).uns
    assert uns["dataset_id"] == "demo"
    # largest first, weights as text, none of them 0
    assert uns["prediction"].to_numpy().tolist() == [
        ["A", "g", "-1"],
        ["B", "h", "0.583333"],
        ["C", "h", "0.416667"],
    ]
    monkeypatch.setattr(formats, "TOP_EDGES", 2)
    few = to_genernib(EDGES, "demo").uns["prediction"]
    assert few["source"].tolist() == ["A", "B"]


def test_a_network_goes_to_gretapy_and_back(tmp_path: Path) -> None:
    table = to_gretapy(TRIPLETS, EDGES)
    assert table["cre"].str.fullmatch(r"chr[0-9a-zA-Z]+-\d+-\d+").all()
    found = table[["source", "cre", "target"]].to_numpy().tolist()
    assert found[:2] == [["A", "chr1-10-20", "g"], ["A", "chr1-30-40", "g"]]
    assert len(found) == 4
    io.write_table(table, tmp_path / "network.tsv", "gretapy_network")
    assert signed_edges(tmp_path / "network.tsv") == rounded(SIGNED)
    with gzip.open(tmp_path / "network.csv.gz", "wt") as file:
        table.to_csv(file, index=False)
    assert signed_edges(tmp_path / "network.csv.gz") == rounded(SIGNED)
    # a benchmark of targets asks for no signs
    unsigned = read_network(tmp_path / "network.tsv")["weight"]
    assert unsigned.tolist() == pytest.approx([1, 7 / 12, 5 / 12], rel=1e-5)


def test_networks_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.csv"
    path.write_text("left,right\nA,g\n")
    with pytest.raises(InputError, match="source, target"):
        read_network(path)
    path.write_text("source,target,weight\nA,g,high\n")
    with pytest.raises(InputError, match="1 weights"):
        read_network(path)
    other = anndata.AnnData(pd.DataFrame([[1.0]], index=["c"], columns=["g"]))
    other.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match="prediction"):
        read_network(tmp_path / "cells.h5ad")
