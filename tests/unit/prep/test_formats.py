"""Every input format gives the same counts."""

import gzip

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.genome.regions import parse_regions
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


def test_ids_with_versions_and_copies_on_the_y_chromosome(tss, rna):
    named = rna.copy()
    ids = [f"{i}.7" for i in tss["gene_id"]]
    named.var_names = [*ids[:59], f"{tss['gene_id'][0]}.7_PAR_Y"]
    tss["gene_id"] = [f"{i}.12" for i in tss["gene_id"]]
    found = as_rna(named, tss, "test", min_known_genes=0.3)
    assert found.var_names.to_list() == rna.var_names[:59].to_list()
    expected = rna.X[:, [0, 59]].sum(axis=1).A1
    np.testing.assert_array_equal(found[:, "GENE0"].X.toarray().ravel(), expected)


def test_ids_of_genes_after_one_without_an_id(tss, rna):
    tss.loc[3, "gene_id"] = None
    named = rna[:, 4:].copy()
    named.var_names = tss["gene_id"][4:].to_list()
    assert (
        as_rna(named, tss, "test", min_known_genes=0.3).var_names.to_list()
        == tss["gene"][4:].to_list()
    )


def test_genes_of_another_species(tss, rna):
    rna.var_names = [f"Other{i}" for i in range(rna.n_vars)]
    with pytest.raises(InputError, match="GENE0"):
        as_rna(rna, tss, "test", min_known_genes=0.3)


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_repeats_that_were_made_unique_are_summed_by_their_ids(
    tmp_path, tss, rna, caplog
):
    """Of the second gene of a symbol, scanpy makes GENE0-1, R GENE0.1; without ids they are told of."""
    double = rna[:, [0, 1, *range(60)]].copy()
    double.obs_names = rna.obs_names
    names = ["GENE0", "GENE0-1", "GENE0.1", *rna.var_names[1:]]
    double.var_names = names
    expected = double.X[:, :3].sum(axis=1).A1
    ids = [f"ENSG9{i:010d}" for i in range(3)] + tss["gene_id"][1:].to_list()
    double.var["gene_ids"] = double.var["gene_id"] = ids
    double.write_h5ad(tmp_path / "m.h5ad")
    found = _rna(tmp_path / "m.h5ad", tss)
    assert found.var_names.to_list() == rna.var_names.to_list()
    np.testing.assert_array_equal(found[:, "GENE0"].X.toarray().ravel(), expected)

    del double.var["gene_ids"], double.var["gene_id"]
    found = as_rna(double, tss, "test", min_known_genes=0.3)
    assert found.var_names.to_list() == names
    assert "2 genes such as 'GENE0-1' look like repeats" in caplog.text


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("n_counts", True),
        ("total_umis", True),
        ("nFeature_RNA", True),
        ("whatever", False),
    ],
)
def test_figures_of_cells_beside_the_genes(tmp_path, tss, rna, column, names):
    frame = pd.DataFrame(rna.X.toarray().astype(int), rna.obs_names, rna.var_names)
    frame[column] = (
        frame.sum(axis=1) if column != "nFeature_RNA" else (frame > 0).sum(axis=1)
    )
    frame.to_csv(tmp_path / "m.csv")
    with pytest.raises(InputError, match=rf"columns \['{column}'\] are figures of"):
        _rna(tmp_path / "m.csv", tss)


def test_genes_that_look_like_figures_or_are_large_stay(tmp_path, tss, rna):
    """A gene of the TSS table, and an unknown gene with half of the counts."""
    names = rna.var_names.to_list()
    names[3], names[4] = "n_counts", "unknown"
    rna.var_names = names
    tss.loc[3, "gene"] = "n_counts"
    dense = rna.X.toarray()
    dense[:, 4] = dense.sum(axis=1) // 2
    rna.X = sp.csr_matrix(dense)
    assert as_rna(rna, tss, "test", min_known_genes=0.3).var_names.to_list() == names


def test_regions_with_dots_in_the_chromosome_and_impossible_ones():
    names = pd.Index(["GL000192.1:100-200", "GL000192.1.100.200"])
    for name in names:
        region = parse_regions(pd.Index([name]), "test").iloc[0]
        assert region.to_list() == ["GL000192.1", 100, 200]
    with pytest.raises(InputError, match="beyond any chromosome"):
        parse_regions(pd.Index(["chr1:1-12345678901234567890"]), "test")


def _mudata(**modalities):
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData(modalities)
    data.obs["line"] = pd.Categorical(["a"] * data.n_obs)
    return data


def test_a_mudata_gives_its_modalities_by_name(tmp_path, tss, rna, atac):
    _mudata(rna=rna, atac=atac).write_h5mu(tmp_path / "m.h5mu")
    found = read_matrix(tmp_path / "m.h5mu")
    assert list(found.obs["line"]) == ["a"] * rna.n_obs, "the shared columns"
    _same(as_rna(found, tss, "test", min_known_genes=0.3), rna)
    _same(as_atac(read_matrix(tmp_path / "m.h5mu", "atac"), "test"), atac)


def test_other_modalities_are_named_behind_the_path(tmp_path, tss, rna, atac):
    logarithms = rna.copy()
    logarithms.layers["umi"] = rna.X.copy()
    logarithms.X.data = np.log1p(logarithms.X.data)
    _mudata(GEX=logarithms, peaks=atac).write_h5mu(tmp_path / "m.h5mu")
    with pytest.raises(InputError, match=r"no modality 'rna'; it holds \['GEX', 'pe"):
        read_matrix(tmp_path / "m.h5mu")
    with pytest.raises(InputError, match=r"m\.h5mu:GEX/layers/umi"):
        read_matrix(f"{tmp_path}/m.h5mu:GEX")
    _same(_rna(f"{tmp_path}/m.h5mu:GEX/layers/umi", tss), rna)
    _same(as_atac(read_matrix(f"{tmp_path}/m.h5mu:peaks", "atac"), "test"), atac)


@pytest.mark.parametrize("column", ["feature_types", "modality"])
def test_an_h5ad_with_both_kinds_of_features(tmp_path, tss, rna, atac, column):
    kinds = pd.DataFrame({column: ["GEX"] * rna.n_vars + ["ATAC"] * atac.n_vars})
    kinds.index = [*rna.var_names, *atac.var_names]
    both = anndata.AnnData(sp.csr_matrix(sp.hstack([rna.X, atac.X])), rna.obs, kinds)
    both.write_h5ad(tmp_path / "both.h5ad")
    data = read_matrix(tmp_path / "both.h5ad")
    _same(as_rna(data, tss, "test", min_known_genes=0.3), rna)
    _same(as_atac(data, "test"), atac)


def test_the_matrix_that_is_named_is_taken(tmp_path, tss, rna):
    data = rna.copy()
    data.layers["counts"] = sp.csr_matrix((rna.X > 0).astype(np.float32))
    data.raw = rna
    data.write_h5ad(tmp_path / "m.h5ad")
    for place in ("X", "raw"):
        _same(_rna(f"{tmp_path}/m.h5ad:{place}", tss), rna)
    assert read_matrix(tmp_path / "m.h5ad").X.max() == 1, "the layer, without a name"
    with pytest.raises(InputError, match=r"no matrix 'layers/umi'.*|one of \['X'"):
        read_matrix(f"{tmp_path}/m.h5ad:layers/umi")


def test_corrected_counts_are_rounded_on_request_alone(tmp_path, tss, rna):
    corrected = rna.copy()
    corrected.X = corrected.X * 0.93
    corrected.X.data[0] = 20.6
    corrected.write_h5ad(tmp_path / "m.h5ad")
    with pytest.raises(InputError, match=r"prep\.counts to round"):
        _rna(tmp_path / "m.h5ad", tss)
    read = read_matrix(tmp_path / "m.h5ad")
    found = as_rna(read, tss, "test", min_known_genes=0.3, rounded=True)
    expected = anndata.AnnData(
        sp.csr_matrix(np.rint(corrected.X.toarray())), rna.obs, rna.var
    )
    _same(found, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: np.log1p(1e4 * x / x.sum(axis=1, keepdims=True)), "logarithms"),
        (lambda x: 1e4 * x / x.sum(axis=1, keepdims=True), "one total"),
        (lambda x: x - x.mean(axis=0), "negative"),
    ],
    ids=["logarithms", "normalised", "scaled"],
)
def test_what_is_not_corrected_counts_is_not_rounded(tss, rna, change, message):
    data = rna.copy()
    data.X = sp.csr_matrix(change(rna.X.toarray()))
    with pytest.raises(InputError, match=message):
        as_rna(data, tss, "test", min_known_genes=0.3, rounded=True)
