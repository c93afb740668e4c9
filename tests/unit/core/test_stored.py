"""AnnData as HDF5 and as zarr, of both formats: read in parts alike, copied whole."""

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.stored import (
    close_stored,
    copy_to_h5ad,
    open_stored,
    read_lazily,
    read_names,
    read_typed_cells,
)
from grnformer.data.cells import CellStore
from grnformer.graph.measured import read_measured
from grnformer.prep.formats import read_matrix

# what writing says of the format that the next anndata will write
pytestmark = pytest.mark.filterwarnings("ignore:.*[zZ]arr:UserWarning")


@pytest.fixture
def data() -> ad.AnnData:
    counts = sp.random(
        30, 8, 0.4, "csr", random_state=0, data_rvs=lambda n: np.arange(1.0, n + 1)
    )
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(["A", "B"] * 15)},
        index=[f"c{i}" for i in range(30)],
    )
    var = pd.DataFrame(
        {"gene_id": [f"ENSG{i}" for i in range(8)]}, index=[f"G{i}" for i in range(8)]
    )
    made = ad.AnnData(
        counts, obs, var, layers={"counts": counts.tocsc()}, uns={"made": "here"}
    )
    made.obsm["X_two"] = np.ones((30, 2))
    return made


@pytest.fixture(params=["h5ad", 2, 3])
def stored(request: pytest.FixtureRequest, data: ad.AnnData, tmp_path: Path) -> Path:
    if request.param == "h5ad":
        data.write_h5ad(tmp_path / "x.h5ad")
        return tmp_path / "x.h5ad"
    with ad.settings.override(zarr_write_format=request.param):
        data.write_zarr(tmp_path / "x.zarr", chunks=(7, 3))
    return tmp_path / "x.zarr"


def test_names_are_read_in_parts(stored: Path, data: ad.AnnData) -> None:
    root = open_stored(stored)
    assert read_names(root["obs"]).tolist() == list(data.obs_names)
    assert read_names(root["var"], slice(2, 5)).tolist() == ["G2", "G3", "G4"]
    close_stored(root)


def test_rows_are_read_from_disk(stored: Path, data: ad.AnnData) -> None:
    lazy = read_lazily(stored)
    assert not isinstance(lazy.X, sp.spmatrix | sp.sparray)
    assert (sp.csr_matrix(lazy.X[5:9]) != data.X[5:9]).nnz == 0
    assert lazy.obs["cell_type"].tolist() == data.obs["cell_type"].tolist()
    assert lazy.var_names.equals(data.var_names)


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (
            pd.Categorical(["A", "B"] * 15, categories=["A", "B", "none has it"]),
            ["A", "B"],
        ),
        ([3, 20] * 15, ["20", "3"]),
        (pd.Categorical([3, 20] * 15), ["20", "3"]),
    ],
)
def test_cell_types_are_text_and_those_that_cells_have(
    data: ad.AnnData, tmp_path: Path, types: Any, expected: list[str]
) -> None:
    data.obs["cell_type"] = types
    data.write_h5ad(tmp_path / "typed.h5ad")
    read = read_typed_cells(tmp_path / "typed.h5ad")
    assert read["cell_type"].tolist() == [str(name) for name in types]
    assert read.index.tolist() == list(data.obs_names)
    with CellStore(tmp_path / "typed.h5ad", ["G1"]) as store:
        measured = read_measured(tmp_path / "typed.h5ad").cell_types
        assert measured.to_dict() == dict.fromkeys(expected, 15)
        assert store.type_names[store.type_codes].tolist() == [
            str(name) for name in types
        ]


@pytest.mark.parametrize("missing", [None, "NA", "nan"])
def test_cells_without_a_type_are_refused(
    data: ad.AnnData, tmp_path: Path, missing: str | None
) -> None:
    data.obs["cell_type"] = pd.Categorical(["A", missing] * 15)
    data.write_h5ad(tmp_path / "untyped.h5ad")
    for read in (read_typed_cells, read_measured, lambda path: CellStore(path, ["G1"])):
        with pytest.raises(InputError, match="15 of 30 cells have no cell_type"):
            read(tmp_path / "untyped.h5ad")


def test_a_copy_holds_everything(
    stored: Path, data: ad.AnnData, tmp_path: Path
) -> None:
    copy_to_h5ad(stored, tmp_path / "copy.h5ad")
    copy = ad.read_h5ad(tmp_path / "copy.h5ad")
    assert (copy.X != data.X).nnz == 0
    assert copy.layers["counts"].format == "csc"
    assert (copy.layers["counts"] != data.layers["counts"]).nnz == 0
    pd.testing.assert_frame_equal(copy.obs, data.obs)
    pd.testing.assert_frame_equal(copy.var, data.var)
    assert copy.uns["made"] == "here"
    np.testing.assert_array_equal(copy.obsm["X_two"], data.obsm["X_two"])


def test_a_dense_matrix_is_copied_and_read(data: ad.AnnData, tmp_path: Path) -> None:
    dense = ad.AnnData(data.X.toarray(), data.obs, data.var)
    dense.write_zarr(tmp_path / "dense.zarr")
    np.testing.assert_array_equal(
        read_lazily(tmp_path / "dense.zarr").X[3:5], dense.X[3:5]
    )
    copy_to_h5ad(tmp_path / "dense.zarr", tmp_path / "dense.h5ad")
    np.testing.assert_array_equal(ad.read_h5ad(tmp_path / "dense.h5ad").X, dense.X)


def test_the_sample_sheet_takes_them(stored: Path, data: ad.AnnData) -> None:
    read = read_matrix(stored)
    assert (read.X != data.X).nnz == 0
    assert list(read.var["gene_id"]) == list(data.var["gene_id"])


def test_what_is_no_anndata_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file or folder"):
        open_stored(tmp_path / "missing.zarr")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(InputError, match=r"empty\.zarr cannot be read"):
        open_stored(tmp_path / "empty.zarr")
    (tmp_path / "text.h5ad").write_text("no HDF5")
    with pytest.raises(InputError, match=r"text\.h5ad cannot be read"):
        open_stored(tmp_path / "text.h5ad")
