"""File contracts: what every file of the workflow must hold, declared in workflow/schemas/files/*.yaml.

A contract is one YAML file of one of four kinds:

``table``
    ``columns`` (name -> type [string, number, integer, boolean, list, any], minimum, maximum, nullable,
    values), ``wide`` (a column rule for all other columns, for matrices stored as tables), ``key``
    (columns that are unique together), ``min_rows`` (default 1). Any word is text, NA and None too. In a TSV
    the empty field is a missing value of a nullable column and the empty text of any other text column.
``anndata``
    ``X``, ``layers`` (name -> type, minimum, maximum, sparse), ``obs`` and ``var`` (column rules),
    ``obsm``, ``uns`` (names), ``empty`` (true: there may be no cells and genes, all is in uns).
``mudata``
    ``modalities`` (name -> the keys of an ``anndata`` contract; ``optional`` where there may be none) and ``obs``.
``json``
    ``schema``, a JSON schema.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from grnformer.core.errors import InputError
from grnformer.core.place import ROOT

if TYPE_CHECKING:
    import anndata
    import mudata
    import pandas as pd

SCHEMAS = ROOT / "workflow" / "schemas"
_REMEDY = (
    "see workflow/schemas/files for the contract, and the stage that wrote the file"
)
_DTYPE_KINDS = {"number": "fiu", "integer": "iu", "boolean": "b"}
_DTYPES = {"integer": "int64", "number": "float64", "boolean": "bool"}


def load(name: str) -> dict[str, Any]:
    """Return the contract called `name` (the file's stem), a copy of its own for each caller."""
    return deepcopy(_load(name))


@cache
def _load(name: str) -> dict[str, Any]:
    path = SCHEMAS / "files" / f"{name}.yaml"
    if not path.exists():
        known = sorted(other.stem for other in path.parent.glob("*.yaml"))
        raise KeyError(f"no contract {name!r}; known: {', '.join(known)}")
    contract: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return contract


def check(
    data: Any,
    name: str,
    where: str | Path,
    columns: Collection[str] | None = None,
) -> None:
    """Raise InputError unless `data` (table, AnnData, MuData or JSON content) keeps contract `name`.

    `columns`: those of a table that were read; the others are not asked for. None: all.
    """
    contract, where = load(name), str(where)
    match contract["kind"]:
        case "table":
            _check_table(data, _of_columns(contract, columns), where)
        case "anndata":
            _check_anndata(data, contract, where)
        case "mudata":
            _check_mudata(data, contract, where)
        case "json":
            _check_json(data, contract, where)
        case kind:
            raise ValueError(f"contract {name!r} has unknown kind {kind!r}")


def check_modality(
    data: anndata.AnnData,
    name: str,
    modality: str,
    where: str,
    without: Collection[str] = (),
) -> None:
    """Check one modality, with the shared obs columns joined, against MuData contract `name`, but for `without`."""
    contract = load(name)
    rules = contract["modalities"][modality]
    read = {part: rule for part, rule in rules.items() if part not in without}
    _check_anndata(data, read, where)
    _check_columns(data.obs, contract.get("obs", {}), f"{where} obs")


def obs_columns(name: str) -> list[str]:
    """Names of the obs columns that contract `name` declares."""
    return list(load(name).get("obs", {}))


def text_columns(
    name: str, present: Iterable[str], *, nullable: bool = False
) -> list[str]:
    """Which of the columns `present` are text in table contract `name`; with `nullable`, those that may be missing."""
    contract = load(name)
    wide = contract.get("wide", {"type": None})
    found = []
    for column in present:
        rule = contract["columns"].get(column, wide)
        if rule["type"] == "string" and (rule.get("nullable") or not nullable):
            found.append(column)
    return found


def numeric_columns(name: str) -> dict[str, str]:
    """Numeric and boolean columns of table contract `name`, as a dtype map for pandas."""
    types = {column: rule["type"] for column, rule in load(name)["columns"].items()}
    return {column: _DTYPES[kind] for column, kind in types.items() if kind in _DTYPES}


def _broken(where: str, found: str, expected: str) -> InputError:
    return InputError(f"{where}: {found}", expected, _REMEDY)


def _of_columns(
    contract: dict[str, Any], columns: Collection[str] | None
) -> dict[str, Any]:
    """What of a table's contract can be said of these columns."""
    if columns is None:
        return contract
    rules = {
        name: rule | {"optional": False}
        for name, rule in contract["columns"].items()
        if name in columns
    }
    key = [name for name in contract.get("key", []) if name in columns]
    whole = key == contract.get("key", [])
    return contract | {"columns": rules, "key": key if whole else []}


def _check_table(frame: pd.DataFrame, contract: dict[str, Any], where: str) -> None:
    least = contract.get("min_rows", 1)
    if len(frame) < least:
        raise _broken(where, f"{len(frame)} rows", f"at least {least}")

    # Declared columns first: a misspelt column is missing and unknown, and its expected name helps more.
    columns = contract["columns"]
    _check_columns(frame, columns, where)

    others = [column for column in frame if column not in columns]
    if others and "wide" not in contract:
        raise _broken(where, f"unknown columns {others}", f"only {list(columns)}")
    for column in others:
        _check_column(frame[column], contract["wide"], f"{where} column {column!r}")

    key = contract.get("key")
    if key:
        repeated = frame.loc[frame.duplicated(key), key]
        if len(repeated):
            first = repeated.iloc[0].to_dict()
            raise _broken(
                where,
                f"{len(repeated)} repeated keys, first {first}",
                f"rows unique in {key}",
            )


def _check_mudata(data: mudata.MuData, contract: dict[str, Any], where: str) -> None:
    for modality, rules in contract["modalities"].items():
        if modality not in data.mod and rules.get("optional"):
            continue
        if modality not in data.mod:
            raise _broken(
                where, f"modalities {sorted(data.mod)}", f"a modality {modality!r}"
            )
        _check_anndata(data.mod[modality], rules, f"{where}[{modality}]")

    _check_columns(data.obs, contract.get("obs", {}), f"{where} obs")


def _check_json(data: Any, contract: dict[str, Any], where: str) -> None:
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for

    # That the schema is one itself, a test checks; here it would take as long as all else.
    schema = contract["schema"]
    error = best_match(validator_for(schema)(schema).iter_errors(data))
    if error is not None:
        raise _broken(
            f"{where} {error.json_path}", error.message, "JSON that keeps its contract"
        ) from error


def _check_anndata(data: anndata.AnnData, contract: dict[str, Any], where: str) -> None:
    if 0 in data.shape and not contract.get("empty"):
        raise _broken(
            where,
            f"an empty matrix ({data.n_obs} x {data.n_vars})",
            "at least one row and one column",
        )

    for axis, names in (("obs_names", data.obs_names), ("var_names", data.var_names)):
        repeated = names[names.duplicated()]
        if len(repeated):
            raise _broken(
                where, f"repeated {axis}, first {repeated[0]!r}", f"unique {axis}"
            )

    if "X" in contract:
        _check_matrix(data.X, contract["X"], f"{where} X")
    for layer, rule in contract.get("layers", {}).items():
        _check_present([layer], data.layers, f"{where} layers")
        _check_matrix(data.layers[layer], rule, f"{where} layer {layer!r}")

    _check_columns(data.obs, contract.get("obs", {}), f"{where} obs")
    _check_columns(data.var, contract.get("var", {}), f"{where} var")
    _check_present(contract.get("obsm", []), data.obsm, f"{where} obsm")
    _check_present(contract.get("uns", []), data.uns, f"{where} uns")


def _check_matrix(matrix: Any, rule: dict[str, Any], where: str) -> None:
    import scipy.sparse as sp

    if matrix is None:
        raise _broken(where, "no matrix", "a matrix")

    # Of a sparse matrix only stored values are checked: a minimum above 0 would be wrong for it.
    sparse = sp.issparse(matrix)
    if rule.get("sparse") and not sparse:
        raise _broken(
            where, f"a dense {type(matrix).__name__}", "a scipy CSR or CSC matrix"
        )
    _check_values(matrix.data if sparse else np.asarray(matrix), rule, where)


def _check_present(names: Iterable[str], present: Iterable[str], where: str) -> None:
    missing = [name for name in names if name not in present]
    if missing:
        raise _broken(where, f"only {list(present)}", f"also {missing}")


def _check_columns(frame: pd.DataFrame, columns: dict[str, Any], where: str) -> None:
    required = [column for column, rule in columns.items() if not rule.get("optional")]
    _check_present(required, frame.columns, f"{where} columns")

    for column, rule in columns.items():
        if column in frame:
            _check_column(frame[column], rule, f"{where} column {column!r}")


def _check_column(column: pd.Series, rule: dict[str, Any], where: str) -> None:
    missing = column.isna()
    if missing.any():
        if not rule.get("nullable"):
            raise _broken(where, f"{missing.sum()} missing values", "none")

        # A copy only where it is needed: columns may have millions of rows.
        column = column[~missing]

    match rule["type"]:
        case "any":
            pass
        case "string":
            _check_instances(column, str, "text", where)
            unknown = (
                set(column.unique()) - set(rule["values"]) if "values" in rule else ()
            )
            if unknown:
                raise _broken(where, f"{sorted(unknown)}", f"one of {rule['values']}")
        case "list":
            _check_instances(column, (list, tuple, np.ndarray), "lists", where)
        case _:
            _check_values(column.to_numpy(), rule, where)


def _check_instances(
    column: pd.Series,
    kinds: type | tuple[type, ...],
    expected: str,
    where: str,
) -> None:
    # the distinct types: a look at each of millions of values takes seconds
    if not all(issubclass(kind, kinds) for kind in set(map(type, column.to_numpy()))):
        raise _broken(where, f"type {column.dtype}", expected)


def _check_values(values: np.ndarray, rule: dict[str, Any], where: str) -> None:
    # A column without rows has the type object.
    if values.size == 0:
        return

    kind, dtype = rule["type"], values.dtype
    # A column of integers is read as float where the file's format has no other type, or a value was missing.
    whole = (
        kind == "integer"
        and dtype.kind == "f"
        and np.array_equal(values, np.round(values))
    )
    if dtype.kind not in _DTYPE_KINDS[kind] and not whole:
        raise _broken(where, f"values of type {dtype}", kind)

    if kind == "boolean":
        return

    # NaN and infinities propagate into the extremes, which saves a mask as large as the matrix.
    low, high = values.min(), values.max()
    if not np.isfinite([low, high]).all() and not rule.get("nullable"):
        raise _broken(where, "infinite or undefined values", "finite numbers")

    least, most = rule.get("minimum", -np.inf), rule.get("maximum", np.inf)
    if low < least or high > most:
        raise _broken(
            where, f"values in [{low:g}, {high:g}]", f"values in [{least}, {most}]"
        )
