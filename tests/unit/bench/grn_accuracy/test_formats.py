"""Networks of other benchmarks: written, read again, refused."""

import gzip
from pathlib import Path

import anndata
import pandas as pd
import pytest

from grnformer.bench.grn_accuracy.formats import (
    read_network,
    to_genernib,
    to_gretapy,
)
from grnformer.core import io
from grnformer.core.errors import InputError

TRIPLETS = pd.DataFrame(
    [
        ("A_+/+", "A", "chr1:10-20", "g", 0.5),
        ("A_-/+", "A", "chr1:10-20", "g", 0.7),
        ("A_+/+", "A", "chr1:30-40", "g", 0.5),
        ("B_+/+", "B", "chr1:30-40", "h", 0.9),
    ],
    columns=["eregulon", "tf", "region", "gene", "tf_gene_weight"],
)
EDGES = [["A", "g", 0.7], ["B", "h", 0.9]]


def test_a_network_goes_to_genernib_and_back(tmp_path: Path) -> None:
    path = tmp_path / "network.h5ad"
    io.write_anndata(to_genernib(TRIPLETS, "demo"), path, "genernib_network")
    assert read_network(path).to_numpy().tolist() == EDGES
    uns = anndata.read_h5ad(path).uns
    assert uns["dataset_id"] == "demo"
    # largest first, weights as text
    assert uns["prediction"].to_numpy().tolist() == [
        ["B", "h", "0.9"],
        ["A", "g", "0.7"],
    ]


def test_a_network_goes_to_gretapy_and_back(tmp_path: Path) -> None:
    table = to_gretapy(TRIPLETS)
    assert table["cre"].str.fullmatch(r"chr[0-9a-zA-Z]+-\d+-\d+").all()
    assert not table.duplicated(["source", "cre", "target"]).any()
    io.write_table(table, tmp_path / "network.tsv", "gretapy_network")
    assert read_network(tmp_path / "network.tsv").to_numpy().tolist() == EDGES
    with gzip.open(tmp_path / "network.csv.gz", "wt") as file:
        table.to_csv(file, index=False)
    assert read_network(tmp_path / "network.csv.gz").to_numpy().tolist() == EDGES


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
