"""Files are written whole or not at all, and only if they keep their contract."""

from pathlib import Path

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import contracts, io
from grnformer.core.errors import InputError

TF_GENE = pd.DataFrame(
    {
        "tf": ["A", "B"],
        "gene": ["X", "Y"],
        "importance": [1.5, 0.0],
        "rho": [0.25, -1.0],
    }
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def multiome() -> mudata.MuData:
    """Four cells that keep the contract `multiome`."""
    cells = [f"cell_{number}" for number in range(4)]
    counts = sp.csr_matrix(np.arange(8).reshape(4, 2))
    rna = anndata.AnnData(
        X=counts.astype(float).log1p().tocsr(),
        obs=pd.DataFrame(index=cells),
        var=pd.DataFrame(
            {"n_cells": [3, 4], "highly_variable": [True, False]}, index=["G1", "G2"]
        ),
        layers={"counts": counts},
        obsm={"X_pca": np.zeros((4, 2))},
    )
    columns = {
        "chrom": ["chr1", "chr1"],
        "start": [0, 600],
        "end": [501, 1101],
        "n_cells": [3, 4],
    }
    atac = anndata.AnnData(
        X=(counts > 0).astype(float).tocsr(),
        obs=pd.DataFrame(index=cells),
        var=pd.DataFrame(columns, index=["chr1:0-501", "chr1:600-1101"]),
        layers={"counts": counts},
        obsm={"X_lsi": np.zeros((4, 2))},
    )
    data = mudata.MuData({"rna": rna, "atac": atac})
    data.obs = pd.DataFrame(
        {"cell_type": ["a", "a", "b", "b"], "sample": "s", "donor": "d"}, index=cells
    )
    return data


def test_atomic_renames_on_success(tmp_path: Path) -> None:
    with io.atomic(tmp_path / "deep" / "file.txt") as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path / "deep"
        assert temporary.suffix == ".txt"
        assert not (tmp_path / "deep" / "file.txt").exists()
    assert names(tmp_path / "deep") == ["file.txt"]


@pytest.mark.parametrize("as_folder", [False, True])
def test_atomic_leaves_nothing_behind_a_failure(
    tmp_path: Path, as_folder: bool
) -> None:
    def write_and_fail() -> None:
        with io.atomic(tmp_path / "file") as temporary:
            if as_folder:
                temporary.mkdir()
                (temporary / "part").write_text("half")
            else:
                temporary.write_text("half")
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        write_and_fail()
    assert names(tmp_path) == []


def test_atomic_keeps_the_old_file_on_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    def write_until_interrupted() -> None:
        with io.atomic(tmp_path / "file") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_until_interrupted()
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_atomic_replaces_a_folder_whole(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "stale").write_text("old")
    with io.atomic(tmp_path / "bundle") as temporary:
        temporary.mkdir()
        (temporary / "fresh").write_text("new")
    assert names(tmp_path / "bundle") == ["fresh"]
    assert names(tmp_path) == ["bundle"]


@pytest.mark.parametrize("suffix", [".parquet", ".tsv"])
def test_tables_survive_a_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"network{suffix}"
    io.write_table(TF_GENE, path, "tf_gene")
    pd.testing.assert_frame_equal(io.read_table(path, "tf_gene"), TF_GENE)


def test_only_the_columns_asked_for_are_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "tf_gene.parquet"
    TF_GENE.assign(rho=9.0).to_parquet(path)
    found = io.read_table(path, "tf_gene", ["tf", "gene"])
    pd.testing.assert_frame_equal(found, TF_GENE[["tf", "gene"]])
    with pytest.raises(InputError, match="'rho'"):
        io.read_table(path, "tf_gene", ["tf", "gene", "rho"])
    TF_GENE[["tf", "gene", "rho"]].to_parquet(path)
    with pytest.raises(InputError, match="importance"):
        io.read_table(path, "tf_gene", ["tf", "importance"])


def test_text_columns_of_a_tsv_stay_text(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"kind": ["cell"], "name": ["0012"], "sample": ["1"], "reason": ["few counts"]}
    )
    io.write_table(frame, tmp_path / "dropped.tsv", "dropped")
    assert io.read_table(tmp_path / "dropped.tsv", "dropped").iloc[0].to_list() == [
        "cell",
        "0012",
        "1",
        "few counts",
    ]


@pytest.mark.parametrize("suffix", [".parquet", ".tsv"])
def test_a_table_without_rows_keeps_its_types(tmp_path: Path, suffix: str) -> None:
    empty = pd.DataFrame(
        {"gene": ["G"], "reason": ["no token"], "edges_lost": [1]}
    ).iloc[:0]
    io.write_table(empty, tmp_path / f"lost{suffix}", "lost_genes")
    assert (
        io.read_table(tmp_path / f"lost{suffix}", "lost_genes")["edges_lost"].dtype
        == "int64"
    )


def test_a_table_that_breaks_its_contract_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rho"):
        io.write_table(TF_GENE.assign(rho=2.0), tmp_path / "network.parquet", "tf_gene")
    assert names(tmp_path) == []


def test_a_table_of_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.csv"):
        io.write_table(TF_GENE, tmp_path / "network.csv", "tf_gene")
    assert names(tmp_path) == []


def test_a_read_checks_the_contract_too(tmp_path: Path) -> None:
    TF_GENE.drop(columns="rho").to_parquet(tmp_path / "network.parquet")
    with pytest.raises(InputError, match="rho"):
        io.read_table(tmp_path / "network.parquet", "tf_gene")


@pytest.mark.parametrize(
    "read", [io.read_table, io.read_anndata, io.read_mudata, io.read_json]
)
def test_a_missing_file_is_named(tmp_path: Path, read) -> None:
    with pytest.raises(InputError, match=r"no file at .*absent\.parquet"):
        read(tmp_path / "absent.parquet", "tf_gene")


def test_mudata_survives_a_round_trip(tmp_path: Path) -> None:
    data = multiome()
    io.write_mudata(data, tmp_path / "multiome.h5mu", "multiome")
    again = io.read_mudata(tmp_path / "multiome.h5mu", "multiome")
    assert (again["rna"].layers["counts"] != data["rna"].layers["counts"]).nnz == 0
    assert again.obs["cell_type"].to_list() == data.obs["cell_type"].to_list()


def test_one_modality_is_read_with_the_shared_columns(tmp_path: Path) -> None:
    io.write_mudata(multiome(), tmp_path / "multiome.h5mu", "multiome")
    atac = io.read_modality(tmp_path / "multiome.h5mu", "atac", "multiome")
    assert list(atac.var_names) == ["chr1:0-501", "chr1:600-1101"]
    assert atac.obs["cell_type"].to_list() == ["a", "a", "b", "b"]
    assert atac.obs["donor"].to_list() == ["d"] * 4


def test_parts_of_a_modality_are_read_alone(tmp_path: Path) -> None:
    """Matrices of many cells are gigabytes: a job that needs names reads no matrix, and none reads layers for X."""
    path = tmp_path / "multiome.h5mu"
    io.write_mudata(multiome(), path, "multiome")
    with h5py.File(path, "r+") as handle:
        del handle["mod/atac/layers"]
    whole = multiome()["atac"]
    matrix = io.read_modality(path, "atac", "multiome", "X")
    assert (matrix.X != whole.X).nnz == 0
    assert not matrix.layers
    assert matrix.obs["cell_type"].to_list() == ["a", "a", "b", "b"]
    with pytest.raises(InputError, match="layers"):
        io.read_modality(path, "atac", "multiome")

    with h5py.File(path, "r+") as handle:
        del handle["mod/atac/X"]
    names_only = io.read_modality(path, "atac", "multiome", "names")
    assert names_only.X is None
    assert names_only.var.equals(matrix.var)
    assert names_only.obs_names.equals(whole.obs_names)
    with pytest.raises(InputError, match="damaged"):
        io.read_modality(path, "atac", "multiome", "X")


def test_matrices_stay_on_disk_and_come_back(tmp_path: Path) -> None:
    source, path = tmp_path / "source.h5mu", tmp_path / "multiome.h5mu"
    io.write_mudata(multiome(), source, "multiome")
    data = io.read_without_matrices(source, "multiome", but_for=["rna"])
    assert (data["rna"].X != multiome()["rna"].X).nnz == 0
    assert data["rna"].layers["counts"].nnz == data["atac"].X.nnz == 0
    pd.testing.assert_frame_equal(data.obs.astype(str), multiome().obs.astype(str))

    for name, part in multiome().mod.items():
        data[name].obsm = part.obsm
    data.obs["cell_type"] = "other"
    io.write_with_matrices(data, source, path, "multiome")
    again = io.read_mudata(path, "multiome")
    assert set(again.obs["cell_type"]) == {"other"}
    for name, part in multiome().mod.items():
        assert (again[name].X != part.X).nnz == 0
        assert (again[name].layers["counts"] != part.layers["counts"]).nnz == 0
    assert names(tmp_path) == ["multiome.h5mu", "source.h5mu"]


def test_matrices_of_other_cells_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "source.h5mu"
    io.write_mudata(multiome(), source, "multiome")
    other = multiome()[::-1].copy()
    with pytest.raises(ValueError, match="another obs of rna"):
        io.write_with_matrices(other, source, tmp_path / "made.h5mu", "multiome")
    assert names(tmp_path) == ["source.h5mu"]


def test_mudata_without_a_modality_is_not_written(tmp_path: Path) -> None:
    lone = mudata.MuData({"atac": multiome()["atac"]})
    with pytest.raises(InputError, match="a modality 'rna'"):
        io.write_mudata(lone, tmp_path / "multiome.h5mu", "multiome")
    assert names(tmp_path) == []


def test_a_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "multiome.h5mu"
    io.write_mudata(multiome(), path, "multiome")
    path.write_bytes(path.read_bytes()[:-2000])
    for read in (
        lambda: io.read_mudata(path, "multiome"),
        lambda: io.read_modality(path, "rna", "multiome"),
    ):
        with pytest.raises(InputError, match=r"multiome\.h5mu is cut off or damaged"):
            read()


def test_json_is_checked_and_sorted(tmp_path: Path) -> None:
    entry = {
        "source": "https://x.org/y",
        "sha256": "0" * 64,
        "licence": "MIT",
        "about": "a file",
    }
    io.write_json({"b": entry, "a": entry}, tmp_path / "registry.json", "resources")
    assert list(io.read_json(tmp_path / "registry.json", "resources")) == ["a", "b"]
    with pytest.raises(InputError, match="sha256"):
        io.write_json(
            {"a": entry | {"sha256": "abc"}}, tmp_path / "broken.json", "resources"
        )
    assert names(tmp_path) == ["registry.json"]


def test_the_contract_used_above_is_the_published_one() -> None:
    contracts.check(multiome(), "multiome", where="fixture")


def test_a_shared_embedding_goes_by_the_names_of_cells(finished_run: Path) -> None:
    path = finished_run / "results/lines/prep/multiome.h5mu"
    places = io.read_shared_embedding(path, "X_umap")
    rna = io.read_modality(path, "rna", "multiome")[::-1].copy()
    io.add_shared_embedding(rna, path, "X_umap")
    np.testing.assert_array_equal(rna.obsm["X_umap"], places[::-1])

    with pytest.raises(InputError, match="has no X_tsne"):
        io.add_shared_embedding(rna, path, "X_tsne")
    rna.obs_names = ["other", *rna.obs_names[1:]]
    with pytest.raises(InputError, match="lacks 1 cells, first 'other'"):
        io.add_shared_embedding(rna, path, "X_umap")
