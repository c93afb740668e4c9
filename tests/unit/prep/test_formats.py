"""Every input format gives the same counts."""

import gzip

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.prep.features import as_atac, as_rna
from grnformer.prep.formats import read_matrix
from grnformer.prep.text_matrix import read_text_matrix


def _rna(path, tss):
    return as_rna(read_matrix(path), tss, "test", min_known_genes=0.3)


def _same(found, expected):
    assert list(found.obs_names) == list(expected.obs_names)
    assert list(found.var_names) == list(expected.var_names)
    assert found.X.dtype == np.int32
    assert (sp.csr_matrix(expected.X) != found.X).nnz == 0


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
@pytest.mark.parametrize("turned", [False, True])
def test_text_matrix_is_turned_by_its_names(tmp_path, tss, rna, suffix, turned):
    frame = pd.DataFrame(rna.X.toarray().astype(int), rna.obs_names, rna.var_names)
    frame = frame.T if turned else frame
    frame.to_csv(tmp_path / f"m{suffix}", sep="," if "csv" in suffix else "\t")
    _same(_rna(tmp_path / f"m{suffix}", tss), rna)


def test_text_matrix_without_corner_and_in_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("grnformer.prep.text_matrix._BLOCK_BYTES", 64)
    lines = ["a\tb\tc", *(f"r{i}\t{i}\t0\t{2 * i}" for i in range(100))]
    (tmp_path / "m.tsv").write_text("\n".join(lines) + "\n")
    matrix, rows, columns = read_text_matrix(tmp_path / "m.tsv")
    assert columns == ["a", "b", "c"]
    assert rows == [f"r{i}" for i in range(100)]
    np.testing.assert_array_equal(matrix.toarray(), [[i, 0, 2 * i] for i in range(100)])


@pytest.mark.parametrize(
    "text", ["", ",a,b\n", ",a,b\nx,1,two\n", ",a,b\nx,1,2\ny,1\n"]
)
def test_broken_text_matrix(tmp_path, text):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(InputError):
        read_text_matrix(tmp_path / "m.csv")


@pytest.mark.parametrize("place", ["X", "counts", "raw"])
def test_h5ad_counts_are_found_where_they_lie(tmp_path, tss, rna, place):
    stored = rna.copy()
    if place == "raw":
        stored.raw = rna
    if place == "counts":
        stored.layers["counts"] = rna.X.copy()
    if place != "X":
        stored.X = stored.X.log1p()
    stored.write_h5ad(tmp_path / "m.h5ad")
    _same(_rna(tmp_path / "m.h5ad", tss), rna)


def _features(rna, atac):
    kinds = ["Gene Expression"] * rna.n_vars + ["Peaks"] * atac.n_vars
    ids = [f"ENSG{i:011d}" for i in range(rna.n_vars)] + list(atac.var_names)
    return ids, [*rna.var_names, *atac.var_names], kinds


def test_multiome_folder(tmp_path, tss, rna, atac):
    ids, names, kinds = _features(rna, atac)
    with gzip.open(tmp_path / "matrix.mtx.gz", "wb") as handle:
        scipy.io.mmwrite(handle, sp.hstack([rna.X, atac.X]).T.astype(int))
    table = pd.DataFrame({"id": ids, "name": names, "kind": kinds})
    table.to_csv(tmp_path / "features.tsv.gz", sep="\t", header=False, index=False)
    pd.Series(rna.obs_names).to_csv(
        tmp_path / "barcodes.tsv.gz", header=False, index=False
    )
    data = read_matrix(tmp_path)
    _same(as_rna(data, tss, "test", min_known_genes=0.3), rna)
    _same(as_atac(data, "test"), atac)


def test_folder_with_peaks_bed(tmp_path, atac):
    scipy.io.mmwrite(tmp_path / "matrix.mtx", atac.X.T.astype(int))
    parts = atac.var_names.str.extract(r"(.+):(\d+)-(\d+)")
    parts.to_csv(tmp_path / "peaks.bed", sep="\t", header=False, index=False)
    pd.Series(atac.obs_names).to_csv(
        tmp_path / "barcodes.tsv", header=False, index=False
    )
    _same(as_atac(read_matrix(tmp_path), "test"), atac)
    (tmp_path / "barcodes.tsv").write_text("one\n")
    with pytest.raises(InputError, match="1 barcodes"):
        read_matrix(tmp_path)
    (tmp_path / "barcodes.tsv").unlink()
    with pytest.raises(InputError, match=r"barcodes\.tsv"):
        read_matrix(tmp_path)


@pytest.fixture
def multiome_h5(tmp_path, rna, atac):
    ids, names, kinds = _features(rna, atac)
    both = sp.csc_matrix(sp.hstack([rna.X, atac.X]).T).astype(np.int32)
    with h5py.File(tmp_path / "multiome.h5", "w") as handle:
        group = handle.create_group("matrix")
        for key in ("data", "indices", "indptr"):
            group[key] = getattr(both, key)
        group["shape"] = np.array(both.shape, dtype=np.int32)
        group["barcodes"] = np.array(rna.obs_names, dtype="S")
        for key, values in (
            ("id", ids),
            ("name", names),
            ("feature_type", kinds),
            ("genome", ["toy"] * len(ids)),
        ):
            group[f"features/{key}"] = np.array(values, dtype="S")
    return tmp_path / "multiome.h5"


def test_10x_h5_with_both_modalities(multiome_h5, tss, rna, atac):
    data = read_matrix(multiome_h5)
    _same(as_rna(data, tss, "test", min_known_genes=0.3), rna)
    _same(as_atac(data, "test"), atac)


def test_10x_file_without_peaks_says_so(tss, rna):
    rna.var["feature_type"] = "Gene Expression"
    with pytest.raises(InputError, match="Peaks"):
        as_atac(rna, "test")


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_ensembl_ids_become_symbols_and_repeated_symbols_are_summed(tss, rna):
    named = rna.copy()
    named.var_names = [f"{i}.7" for i in tss["gene_id"]]
    _same(as_rna(named, tss, "test", min_known_genes=0.3), rna)
    double = anndata.AnnData(
        rna.X.copy(),
        rna.obs,
        pd.DataFrame(index=["GENE0", *rna.var_names[:1], *rna.var_names[2:]]),
    )
    summed = as_rna(double, tss, "test", min_known_genes=0.3)
    np.testing.assert_array_equal(
        summed[:, "GENE0"].X.toarray().ravel(), rna.X[:, :2].sum(axis=1).A1
    )


def test_ids_of_genes_after_one_without_an_id(tss, rna):
    tss.loc[3, "gene_id"] = None
    named = rna[:, 4:].copy()
    named.var_names = tss["gene_id"][4:].to_list()
    assert (
        as_rna(named, tss, "test", min_known_genes=0.3).var_names.to_list()
        == tss["gene"][4:].to_list()
    )


def test_genes_of_another_species(tss, rna):
    rna.var_names = [f"Gene{i}" for i in range(rna.n_vars)]
    with pytest.raises(InputError, match="GENE0"):
        as_rna(rna, tss, "test", min_known_genes=0.3)


@pytest.mark.parametrize("name", ["m.rds", "m", "absent.csv"])
def test_unknown_or_absent_file(tmp_path, name):
    if "absent" not in name:
        (tmp_path / name).write_text("x")
    with pytest.raises(InputError):
        read_matrix(tmp_path / name)


def test_file_that_is_not_what_its_name_says(tmp_path):
    (tmp_path / "m.h5ad").write_text("x")
    with pytest.raises(InputError, match="cannot be read"):
        read_matrix(tmp_path / "m.h5ad")
