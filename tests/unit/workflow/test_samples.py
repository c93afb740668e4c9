"""The sample sheet, asked by dataset and sample."""

from pathlib import Path

import pandas as pd
import pytest

from grnformer.workflow.samples import (
    files_by_sample,
    files_in,
    gather_files,
    genome_of,
    rows_by_sample,
)


@pytest.fixture
def sheet() -> pd.DataFrame:
    rows = [
        ("pbmc", "s2", "rna.h5ad", "", "cuts.tsv.gz", "hg38", "obs:type"),
        ("pbmc", "s1", "folder", "resource:atac", "", "hg38", "types.tsv"),
        ("brain", "s1", "other.h5ad", "atac.h5ad", "", "mm10", ""),
    ]
    return pd.DataFrame(
        rows,
        columns=[
            "dataset",
            "sample",
            "rna",
            "atac",
            "fragments",
            "genome",
            "annotation",
        ],
    )


def test_a_dataset_has_one_genome(sheet: pd.DataFrame) -> None:
    assert genome_of(sheet, "brain") == "mm10"


def test_rows_have_paths_and_no_empty_cells(sheet: pd.DataFrame) -> None:
    rows = rows_by_sample(sheet, "at/{}".format)
    assert list(rows["pbmc"]) == ["s2", "s1"]
    assert rows["brain"]["s1"] == {
        "dataset": "brain", "sample": "s1", "rna": "at/other.h5ad", "atac": "at/atac.h5ad", "genome": "mm10"
    }  # fmt: skip
    assert rows["pbmc"]["s2"]["annotation"] == "obs:type", "it stands in the RNA file"


def test_a_new_condition_reads_no_sample_again(sheet: pd.DataFrame) -> None:
    before = rows_by_sample(sheet, str)
    assert rows_by_sample(sheet.assign(condition="treated"), str) == before


def test_a_matrix_in_a_file_is_of_the_row_and_the_file_an_input(
    sheet: pd.DataFrame,
) -> None:
    sheet.loc[2, ["rna", "atac"]] = ["m.h5mu:GEX", "m.h5mu:peaks/raw"]
    row = rows_by_sample(sheet, "at/{}".format)["brain"]["s1"]
    assert (row["rna"], row["atac"]) == ("at/m.h5mu:GEX", "at/m.h5mu:peaks/raw")
    files = files_by_sample(sheet, str.upper, {})["brain"]["s1"]
    assert files == {"rna": "M.H5MU", "atac": "M.H5MU"}


def test_files_are_by_column_and_fragments_are_counted(sheet: pd.DataFrame) -> None:
    files = files_by_sample(
        sheet, str.upper, {"atac": "{sample}/counts", "barcodes": "{sample}/qc"}
    )
    assert files["pbmc"]["s1"] == {
        "rna": "FOLDER",
        "atac": "RESOURCE:ATAC",
        "annotation": "TYPES.TSV",
    }
    assert files["pbmc"]["s2"] == {
        "rna": "RNA.H5AD", "fragments": "CUTS.TSV.GZ", "atac": "{sample}/counts", "barcodes": "{sample}/qc"
    }  # fmt: skip


def test_files_of_all_samples_are_gathered() -> None:
    files = {
        "s1": {"rna": ["a", "b"], "annotation": "c"},
        "s2": {"rna": "d", "atac": "e"},
    }
    assert gather_files(files, "rna", "annotation") == ["a", "b", "c", "d"]


def test_a_folder_is_its_files_and_a_zarr_is_one(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "cells.zarr/x", "inside/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_in(str(tmp_path)) == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    assert (
        files_in(str(tmp_path / "cells.zarr"))
        == files_in(str(tmp_path / "a.txt"))
        == files_in("absent")
        == []
    )
