"""Each kind of contract violation is found and named; what keeps the contract passes."""

from collections.abc import Callable
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import contracts
from grnformer.core.errors import InputError

TABLE = {
    "kind": "table",
    "columns": {
        "tf": {"type": "string"},
        "sign": {"type": "integer", "minimum": -1, "maximum": 1},
        "weight": {"type": "number", "minimum": 0},
        "open": {"type": "boolean"},
        "regions": {"type": "list"},
        "source": {"type": "string", "nullable": True, "values": ["chip", "motif"]},
        "note": {"type": "string", "optional": True},
    },
    "key": ["tf"],
}
WIDE = {
    "kind": "table",
    "columns": {"cell": {"type": "string"}},
    "wide": {"type": "number", "minimum": 0, "maximum": 1},
}
ANNDATA = {
    "kind": "anndata",
    "X": {"type": "number", "minimum": 0},
    "layers": {"counts": {"type": "integer", "minimum": 0, "sparse": True}},
    "obs": {"cell_type": {"type": "string"}},
    "var": {"n_cells": {"type": "integer", "minimum": 1}},
    "obsm": ["X_pca"],
    "uns": ["cutoff"],
}


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, dict[str, Any]], None]:
    def with_contract(data: Any, contract: dict[str, Any]) -> None:
        monkeypatch.setattr(contracts, "load", lambda name: contract)
        contracts.check(data, "any", where="file.parquet")

    return with_contract


def table(**changes: Any) -> pd.DataFrame:
    columns = {
        "tf": ["A", "B"],
        "sign": [1, -1],
        "weight": [0.5, 2.0],
        "open": [True, False],
        "regions": [["r1"], np.array(["r2", "r3"])],
        "source": ["chip", None],
    }
    return pd.DataFrame(columns | changes)


def cells() -> anndata.AnnData:
    return anndata.AnnData(
        X=np.ones((2, 3)),
        obs=pd.DataFrame({"cell_type": pd.Categorical(["a", "b"])}, index=["c1", "c2"]),
        var=pd.DataFrame({"n_cells": [1, 2, 2]}, index=["g1", "g2", "g3"]),
        layers={"counts": sp.csr_matrix(np.eye(2, 3, dtype=int))},
        obsm={"X_pca": np.zeros((2, 1))},
        uns={"cutoff": 5},
    )


@pytest.mark.parametrize(
    "frame",
    [
        table(),
        table(note=["a", "b"]),
        table(sign=[1.0, -1.0]),
        table(tf=pd.Categorical(["A", "B"])),
        table(weight=np.array([1, 2], dtype=np.uint8)),
    ],
    ids=["plain", "optional column", "whole floats", "categories", "unsigned"],
)
def test_tables_that_keep_the_contract_pass(check, frame: pd.DataFrame) -> None:
    check(frame, TABLE)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table().iloc[:0], "0 rows"),
        (table().drop(columns="weight"), "also.*weight"),
        (table(extra=[1, 2]), "unknown columns.*extra"),
        (table(tf=["A", "A"]), "1 repeated keys, first.*'tf': 'A'"),
        (table(tf=["A", None]), "'tf': 1 missing values"),
        (table(tf=[1, 2]), "'tf'.*int64.*Expected: text"),
        (table(weight=[0.5, np.nan]), "'weight': 1 missing values"),
        (table(weight=[0.5, np.inf]), "'weight': infinite"),
        (table(weight=[0.5, -0.1]), r"'weight': values in \[-0.1, 0.5\]"),
        (table(weight=["a", "b"]), "'weight': values of type object"),
        (table(sign=[1, 2]), r"values in \[1, 2\]"),
        (table(sign=[0.5, 1.0]), "'sign': values of type float64"),
        (table(open=[0, 1]), "'open': values of type int64"),
        (table(regions=["r1", "r2"]), "'regions'.*Expected: lists"),
        (table(source=["chip", "guess"]), r"\['guess'\].*one of \['chip', 'motif'\]"),
    ],
)
def test_each_violation_of_a_table_is_named(
    check, frame: pd.DataFrame, message: str
) -> None:
    with pytest.raises(InputError, match=f"(?s)file.parquet.*{message}"):
        check(frame, TABLE)


def test_an_empty_table_passes_where_the_contract_allows_it(check) -> None:
    check(table().iloc[:0].astype({"open": bool}), TABLE | {"min_rows": 0})


def test_other_columns_of_a_wide_table_follow_one_rule(check) -> None:
    frame = pd.DataFrame({"cell": ["c1"], "topic_1": [0.25], "topic_2": [0.75]})
    check(frame, WIDE)
    with pytest.raises(InputError, match="'topic_2'"):
        check(frame.assign(topic_2=1.75), WIDE)


def test_an_anndata_that_keeps_the_contract_passes(check) -> None:
    check(cells(), ANNDATA)


def _dense_layer(data: anndata.AnnData) -> None:
    data.layers["counts"] = data.layers["counts"].toarray()


def _fractions(data: anndata.AnnData) -> None:
    data.layers["counts"] = sp.csr_matrix(np.full((2, 3), 0.5))


def _negative(data: anndata.AnnData) -> None:
    data.X[0, 0] = -1


def _undefined(data: anndata.AnnData) -> None:
    data.X[0, 0] = np.nan


def _no_layer(data: anndata.AnnData) -> None:
    del data.layers["counts"]


def _no_obs(data: anndata.AnnData) -> None:
    del data.obs["cell_type"]


def _no_matrix(data: anndata.AnnData) -> None:
    data.X = None


def _low_var(data: anndata.AnnData) -> None:
    data.var["n_cells"] = 0


def _no_obsm(data: anndata.AnnData) -> None:
    del data.obsm["X_pca"]


def _no_uns(data: anndata.AnnData) -> None:
    del data.uns["cutoff"]


def _same_names(data: anndata.AnnData) -> None:
    data.var.index = ["g1", "g1", "g3"]


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
@pytest.mark.parametrize(
    ("breach", "message"),
    [
        (_dense_layer, "layer 'counts': a dense ndarray"),
        (_fractions, "layer 'counts': values of type float64"),
        (_negative, r"X: values in \[-1, 1\]"),
        (_undefined, "X: infinite or undefined"),
        (_no_layer, r"layers: only \[\].*also \['counts'\]"),
        (_no_obs, "obs columns: only.*cell_type"),
        (_no_matrix, "X: no matrix"),
        (_low_var, "var column 'n_cells'"),
        (_no_obsm, r"obsm: only.*also \['X_pca'\]"),
        (_no_uns, r"uns: only.*also \['cutoff'\]"),
        (_same_names, "repeated var_names, first 'g1'"),
    ],
)
def test_each_violation_of_an_anndata_is_named(check, breach, message: str) -> None:
    data = cells()
    breach(data)
    with pytest.raises(InputError, match=f"(?s)file.parquet.*{message}"):
        check(data, ANNDATA)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_an_empty_matrix_is_named(check, shape: tuple[int, int]) -> None:
    with pytest.raises(
        InputError, match=rf"an empty matrix \({shape[0]} x {shape[1]}\)"
    ):
        check(cells()[: shape[0], : shape[1]].copy(), ANNDATA)


def test_json_is_checked_by_its_schema(check) -> None:
    contract = {"kind": "json", "schema": {"type": "object", "required": ["loss"]}}
    check({"loss": 1.0}, contract)
    with pytest.raises(InputError, match="'loss' is a required property"):
        check({}, contract)


def test_an_unknown_kind_is_a_mistake_of_the_project(check) -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        check({}, {"kind": "poem"})


def test_an_unknown_contract_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"known: .*tf_gene"):
        contracts.load("no_such_contract")


def test_a_contract_is_a_copy_of_its_own() -> None:
    contracts.load("tss")["columns"].clear()
    assert contracts.load("tss")["columns"]
