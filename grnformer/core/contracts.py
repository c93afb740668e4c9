"""File contracts: what every file of the workflow must hold, declared in workflow/schemas/files/*.yaml.

A contract is one YAML file of one of four kinds:

``table``
    ``columns`` (name -> type [string, number, integer, boolean, list, any], minimum, maximum, nullable,
    values), ``wide`` (a column rule for all other columns, for matrices stored as tables), ``key``
    (columns that are unique together), ``min_rows`` (default 1). Any word is text, NA and None too. In a TSV
    the empty field is a missing value of a nullable column and the empty text of any other text column.
``anndata``
    ``X``, ``layers`` (name -> type, minimum, maximum, sparse), ``obs`` and ``var`` (column rules),
    ``obsm``, ``uns`` (names).
``mudata``
    ``modalities`` (name -> the keys of an ``anndata`` contract) and ``obs``.
``json``
    ``schema``, a JSON schema.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import anndata
    import pandas as pd

_HERE = Path(__file__).parents[1]
SCHEMAS = next(p for p in (_HERE / "schemas", _HERE.parent / "workflow" / "schemas") if p.is_dir())


@cache
def load(name: str) -> dict[str, Any]:
    """Return the contract called `name` (the file's stem)."""
    path = SCHEMAS / "files" / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml")))
        raise KeyError(f"no contract {name!r}; known: {known}")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def check(data: Any, name: str, where: str) -> None:
    """Raise InputError unless `data` (table, AnnData, MuData or JSON content) keeps contract `name`."""
    contract = load(name)
    kind = contract["kind"]
    if kind == "table":
        _check_table(data, contract, where)
    elif kind == "anndata":
        _check_anndata(data, contract, where)
    elif kind == "mudata":
        for modality in contract["modalities"]:
            if modality not in data.mod:
                raise _broken(where, f"modalities {sorted(data.mod)}", f"a modality {modality!r}")
            _check_anndata(data.mod[modality], contract["modalities"][modality], f"{where}[{modality}]")
        _check_columns(data.obs, contract.get("obs", {}), f"{where} obs")
    elif kind == "json":
        import jsonschema

        try:
            jsonschema.validate(data, contract["schema"])
        except jsonschema.ValidationError as error:
            place = "".join(f"[{part!r}]" for part in error.absolute_path)
            raise _broken(where + place, error.message, f"JSON that keeps contract {name!r}") from error
    else:
        raise ValueError(f"contract {name!r} has unknown kind {kind!r}")


def check_modality(data: anndata.AnnData, name: str, modality: str, where: str) -> None:
    """Check one modality, with the shared obs columns joined, against MuData contract `name`."""
    contract = load(name)
    _check_anndata(data, contract["modalities"][modality], where)
    _check_columns(data.obs, contract.get("obs", {}), f"{where} obs")


def obs_columns(name: str) -> list[str]:
    """Names of the obs columns that contract `name` declares."""
    return list(load(name).get("obs", {}))


def text_columns(name: str, present: Iterable[str], *, nullable: bool = False) -> list[str]:
    """Which of the columns `present` are text in table contract `name`; with `nullable`, those that may be missing."""
    contract = load(name)
    wide = contract.get("wide", {"type": None})
    rules = {column: contract["columns"].get(column, wide) for column in present}
    text = [column for column, rule in rules.items() if rule["type"] == "string"]
    return [column for column in text if rules[column].get("nullable") or not nullable]


def numeric_columns(name: str) -> dict[str, str]:
    """Columns of table contract `name` that are no text, as a dtype map for pandas."""
    dtypes = {"integer": "int64", "number": "float64", "boolean": "bool"}
    return {c: dtypes[rule["type"]] for c, rule in load(name)["columns"].items() if rule["type"] in dtypes}


def _broken(where: str, found: str, expected: str) -> InputError:
    return InputError(
        f"{where}: {found}", expected, "see workflow/schemas/files for the contract, and the stage that wrote the file"
    )


def _check_table(frame: pd.DataFrame, contract: dict[str, Any], where: str) -> None:
    if len(frame) < contract.get("min_rows", 1):
        raise _broken(where, f"{len(frame)} rows", f"at least {contract.get('min_rows', 1)}")
    columns = contract["columns"]
    _check_columns(frame, columns, where)
    others = [c for c in frame.columns if c not in columns]
    if others and "wide" not in contract:
        raise _broken(where, f"unknown columns {others}", f"only {list(columns)}")
    for column in others:
        _check_column(frame[column], contract["wide"], f"{where} column {column!r}")
    key = contract.get("key")
    if key and frame.duplicated(key).any():
        example = frame.loc[frame.duplicated(key), key].iloc[0].to_dict()
        raise _broken(where, f"{frame.duplicated(key).sum()} repeated keys, first {example}", f"rows unique in {key}")


def _check_anndata(data: anndata.AnnData, contract: dict[str, Any], where: str) -> None:
    if data.n_obs == 0 or data.n_vars == 0:
        raise _broken(where, f"an empty matrix ({data.n_obs} x {data.n_vars})", "at least one row and one column")
    for axis in ("obs_names", "var_names"):
        names = getattr(data, axis)
        if not names.is_unique:
            raise _broken(where, f"repeated {axis}, first {names[names.duplicated()][0]!r}", f"unique {axis}")
    if "X" in contract:
        _check_matrix(data.X, contract["X"], f"{where} X")
    for layer, rule in contract.get("layers", {}).items():
        if layer not in data.layers:
            raise _broken(where, f"layers {list(data.layers)}", f"a layer {layer!r}")
        _check_matrix(data.layers[layer], rule, f"{where} layer {layer!r}")
    _check_columns(data.obs, contract.get("obs", {}), f"{where} obs")
    _check_columns(data.var, contract.get("var", {}), f"{where} var")
    for slot in ("obsm", "uns"):
        missing = [k for k in contract.get(slot, []) if k not in getattr(data, slot)]
        if missing:
            raise _broken(where, f"{slot} without {missing}", f"{slot} with {contract[slot]}")


def _check_matrix(matrix: Any, rule: dict[str, Any], where: str) -> None:
    import scipy.sparse as sp

    if matrix is None:
        raise _broken(where, "no matrix", "a matrix")
    if rule.get("sparse") and not sp.issparse(matrix):
        raise _broken(where, f"a dense {type(matrix).__name__}", "a scipy CSR or CSC matrix")
    values = matrix.data if sp.issparse(matrix) else np.asarray(matrix)
    _check_values(values, rule, where)


def _check_columns(frame: pd.DataFrame, columns: dict[str, Any], where: str) -> None:
    missing = [c for c, rule in columns.items() if c not in frame.columns and not rule.get("optional")]
    if missing:
        raise _broken(where, f"columns {list(frame.columns)}", f"also {missing}")
    for column, rule in columns.items():
        if column in frame.columns:
            _check_column(frame[column], rule, f"{where} column {column!r}")


def _check_column(column: pd.Series, rule: dict[str, Any], where: str) -> None:
    missing = column.isna()
    if missing.any():
        if not rule.get("nullable"):
            raise _broken(where, f"{missing.sum()} missing values", "none")
        column = column[~missing]
    if rule["type"] == "any":
        return
    if rule["type"] == "string":
        values = column.astype(object) if column.dtype == "category" else column
        if not values.map(lambda v: isinstance(v, str)).all():
            raise _broken(where, f"type {column.dtype}", "text")
        if "values" in rule and not values.isin(rule["values"]).all():
            raise _broken(where, f"{sorted(set(values) - set(rule['values']))}", f"one of {rule['values']}")
    elif rule["type"] == "list":
        if not column.map(lambda v: isinstance(v, (list, tuple, np.ndarray))).all():
            raise _broken(where, f"type {column.dtype}", "lists")
    else:
        _check_values(column.to_numpy(), rule, where)


def _check_values(values: np.ndarray, rule: dict[str, Any], where: str) -> None:
    kinds = {"number": "fiu", "integer": "iu", "boolean": "b"}[rule["type"]]
    if values.dtype.kind not in kinds:
        whole = rule["type"] == "integer" and values.dtype.kind == "f" and np.array_equal(values, np.round(values))
        if not whole:
            raise _broken(where, f"values of type {values.dtype}", rule["type"])
    if values.size == 0 or rule["type"] == "boolean":
        return
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)) and not rule.get("nullable"):
        raise _broken(where, "infinite or undefined values", "finite numbers")
    if low < rule.get("minimum", -np.inf) or high > rule.get("maximum", np.inf):
        bounds = f"[{rule.get('minimum', '-inf')}, {rule.get('maximum', 'inf')}]"
        raise _broken(where, f"values in [{low:g}, {high:g}]", f"values in {bounds}")
