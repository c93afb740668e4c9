"""Names that programs take for missing values or numbers survive every file that the workflow writes and reads."""

from itertools import count
from pathlib import Path
from typing import Any

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import contracts, io
from grnformer.core.errors import InputError

WORDS = [
    "NA", "None", "null", "NULL", "nan", "NaN", "n/a", "N/A", "<NA>", "#N/A", "#NA", "-nan", "True", "false", "inf",
    "-inf", "1e5", "007", "1", "2020-01-01", "#x", " padded ", 'a "quoted" name', "with\ttab", "two\nlines", "a,b;c",
]  # fmt: skip
ALL = sorted(path.stem for path in (contracts.SCHEMAS / "files").glob("*.yaml"))
TABLES = [name for name in ALL if contracts.load(name)["kind"] == "table"]
ARRAYS = [name for name in ALL if contracts.load(name)["kind"] in ("anndata", "mudata")]
JSONS = [name for name in ALL if contracts.load(name)["kind"] == "json"]


def column_of(rule: dict[str, Any], words: list[str]) -> list[Any]:
    """As many values as words that keep the rule: the words where it allows them."""
    numbers = np.arange(len(words)) + rule.get("minimum", 0)
    kind = rule["type"]
    if "values" in rule:
        return [rule["values"][i % len(rule["values"])] for i in range(len(words))]
    if kind == "list":
        return [[word, "other"] for word in words]
    if kind == "boolean":
        return [i % 2 == 0 for i in range(len(words))]
    if kind == "integer":
        return np.clip(numbers, None, rule.get("maximum")).astype(int).tolist()
    if kind == "number":
        return np.clip(numbers / 4, rule.get("minimum"), rule.get("maximum")).tolist()
    return words


def frame_of(columns: dict[str, Any], words: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: column_of(rule, words) for name, rule in columns.items()}
    )


def table_of(name: str) -> pd.DataFrame:
    """A table with a row a word; where the column is nullable, with a missing value, elsewhere with an empty text."""
    contract = contracts.load(name)
    columns = dict(contract["columns"])
    if "wide" in contract and contract["wide"]["type"] != "any":
        columns |= {"NA": contract["wide"], "None": contract["wide"]}
    table = frame_of(columns, [*WORDS, ""])
    nullable = [
        column
        for column, rule in columns.items()
        if rule.get("nullable") and rule["type"] == "string"
    ]
    table.loc[len(WORDS), nullable] = None
    numbers = [
        column
        for column, rule in columns.items()
        if rule.get("nullable") and rule["type"] == "number"
    ]
    table.loc[0, numbers] = np.nan
    return table


def same_tables(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    pd.testing.assert_frame_equal(left.map(plain), right.map(plain), check_dtype=False)
    return True


def plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if value is None or value is pd.NA or value != value else value


@pytest.mark.parametrize("suffix", [".tsv", ".parquet"])
@pytest.mark.parametrize("name", TABLES)
def test_any_word_is_text_in_every_table(
    tmp_path: Path, name: str, suffix: str
) -> None:
    if suffix == ".tsv" and any(
        rule["type"] == "list" for rule in contracts.load(name)["columns"].values()
    ):
        pytest.skip("lists are stored in Parquet only")
    table = table_of(name)
    io.write_table(table, tmp_path / f"table{suffix}", name)
    assert same_tables(io.read_table(tmp_path / f"table{suffix}", name), table)


def annotated(rules: dict[str, Any], features: list[str]) -> anndata.AnnData:
    """Cells and features named by the words, with the words in every text column."""
    shape = (len(WORDS), len(WORDS))

    def matrix(rule: dict[str, Any]) -> Any:
        kind = {"integer": np.int32, "boolean": bool, "number": np.float32}[
            rule["type"]
        ]
        values = np.eye(shape[0]).astype(kind)
        return sp.csr_matrix(values) if rule.get("sparse") else values

    data = anndata.AnnData(
        matrix(rules.get("X", {"type": "number"})),
        obs=frame_of(rules.get("obs", {}), WORDS).set_axis(WORDS),
        var=frame_of(rules.get("var", {}), WORDS).set_axis(features),
    )
    for layer, rule in rules.get("layers", {}).items():
        data.layers[layer] = matrix(rule)
    for key in rules.get("obsm", []):
        data.obsm[key] = np.zeros((shape[0], 2))
    for key in rules.get("uns", []):
        data.uns[key] = "NA"
    return data


def same_names(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    text = left.select_dtypes(["object", "category"]).columns
    pd.testing.assert_frame_equal(
        left[text].astype(object), right[text].astype(object), check_column_type=False
    )
    return True


@pytest.mark.parametrize("name", ARRAYS)
def test_any_word_is_a_name_or_label_in_every_matrix(tmp_path: Path, name: str) -> None:
    contract = contracts.load(name)
    if contract["kind"] == "anndata":
        data = annotated(contract, WORDS)
        io.write_anndata(data.copy(), tmp_path / "data.h5ad", name)
        back = io.read_anndata(tmp_path / "data.h5ad", name)
        assert same_names(data.obs, back.obs)
        assert same_names(data.var, back.var)
        return

    mudata.set_options(pull_on_update=False)
    rules, regions = contract["modalities"], [f"{word}:1-2" for word in WORDS]
    parts = {
        key: annotated(of_key, regions if "atac" in key else WORDS)
        for key, of_key in rules.items()
    }
    both = mudata.MuData(parts)
    both.obs = frame_of(contract["obs"], WORDS).set_axis(WORDS)
    io.write_mudata(both.copy(), tmp_path / "data.h5mu", name)
    again = io.read_mudata(tmp_path / "data.h5mu", name)
    assert same_names(both.obs, again.obs)
    for key in contract["modalities"]:
        assert same_names(both[key].var, again[key].var)
        one = io.read_modality(tmp_path / "data.h5mu", key, name)
        assert same_names(both.obs, one.obs[both.obs.columns])


def content_of(schema: dict[str, Any], number: count) -> Any:
    """Content that keeps a JSON schema, with words wherever it allows any text."""
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        content = {
            key: content_of(part, number)
            for key, part in schema.get("properties", {}).items()
        }
        others = schema.get("additionalProperties", True)
        if others is not False:
            part = others if isinstance(others, dict) else {"type": "string"}
            free = [
                key
                for key in [*schema.get("required", []), *WORDS]
                if key not in content
            ]
            content |= {key: content_of(part, number) for key in free}
        return content
    if kind == "array":
        return [
            content_of(schema["items"], number)
            for _ in range(schema.get("minItems", len(WORDS)))
        ]
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    if "pattern" in schema:
        return {"^[0-9a-f]{64}$": "0" * 64}.get(schema["pattern"], "https://NA")
    return WORDS[next(number) % len(WORDS)]


@pytest.mark.parametrize("name", JSONS)
def test_any_word_is_a_key_or_text_in_every_json(tmp_path: Path, name: str) -> None:
    content = content_of(contracts.load(name)["schema"], count())
    io.write_json(content, tmp_path / "content.json", name)
    assert io.read_json(tmp_path / "content.json", name) == content


def test_a_missing_text_and_the_word_na_differ_in_a_tsv(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "kind": "gene",
            "name": ["NA", "nan", ""],
            "sample": ["NA", None, "null"],
            "reason": "few",
        }
    )
    io.write_table(table, tmp_path / "dropped.tsv", "dropped")
    lines = (tmp_path / "dropped.tsv").read_text().splitlines()
    assert lines[1:] == ["gene\tNA\tNA\tfew", "gene\tnan\t\tfew", "gene\t\tnull\tfew"]
    assert same_tables(io.read_table(tmp_path / "dropped.tsv", "dropped"), table)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"sample": ""}, "an empty text"),
        ({"name": "a\rb"}, "carriage"),
        ({"name": "a\0"}, "NUL"),
    ],
)
def test_text_that_a_tsv_cannot_give_back_is_not_written(
    tmp_path: Path, change: dict[str, str], what: str
) -> None:
    table = pd.DataFrame(
        {"kind": ["cell"], "name": "c", "sample": "s", "reason": "few"}
    ).assign(**change)
    with pytest.raises(InputError, match=what):
        io.write_table(table, tmp_path / "dropped.tsv", "dropped")
    assert not list(tmp_path.iterdir())
    io.write_table(table, tmp_path / "dropped.parquet", "dropped")
    assert same_tables(io.read_table(tmp_path / "dropped.parquet", "dropped"), table)


@pytest.mark.parametrize("word", ["", "NA", "nan", "NULL"])
def test_words_for_missing_are_missing_among_numbers(tmp_path: Path, word: str) -> None:
    table = table_of("fragment_qc").iloc[:2]
    io.write_table(table, tmp_path / "qc.tsv", "fragment_qc")
    lines = (tmp_path / "qc.tsv").read_text().splitlines()
    place = list(table).index("frip")
    for row, text in ((1, word), (2, "0.5")):
        fields = lines[row].split("\t")
        lines[row] = "\t".join([*fields[:place], text, *fields[place + 1 :]])
    (tmp_path / "qc.tsv").write_text("\n".join(lines) + "\n")
    frip = io.read_table(tmp_path / "qc.tsv", "fragment_qc")["frip"]
    assert frip.isna().tolist() == [True, False]
    assert frip[1] == 0.5
