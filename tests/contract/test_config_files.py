"""config.yaml, the schema, the scenarios and the file contracts agree."""

import ast
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from grnformer.core import contracts
from grnformer.core.record import ARM_SETTINGS
from grnformer.settings.read import check_config, complete, config_schema, overlay

ROOT = Path(__file__).parents[2]
SHIPPED = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
CONFIG = complete(SHIPPED)
# over networks alone, which is what a config of one's own runs: the demo has them already
ADDED = ("models", "drug_response")
SCENARIOS = sorted((ROOT / "config" / "scenarios").glob("*.yaml"))
CONTRACTS = sorted(
    path.stem for path in (ROOT / "workflow" / "schemas" / "files").glob("*.yaml")
)
STAGES = ("prep", "topics", "grn", "fuse", "model", "train", "bench", "report")


def objects(
    schema: dict[str, Any], where: str = "config"
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object schema, with its place; `.*` stands for names that the user chooses."""
    if "properties" in schema or isinstance(schema.get("additionalProperties"), dict):
        yield where, schema
    for key, part in schema.get("properties", {}).items():
        yield from objects(part, f"{where}.{key}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from objects(schema["additionalProperties"], f"{where}.*")
    if isinstance(schema.get("items"), dict):
        yield from objects(schema["items"], f"{where}[]")


def leaves(
    schema: dict[str, Any], where: str = "config"
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a value, with its place."""
    for place, part in objects(schema, where):
        for key, leaf in part.get("properties", {}).items():
            if "properties" not in leaf and not isinstance(
                leaf.get("additionalProperties"), dict
            ):
                yield f"{place}.{key}", leaf


LEAVES = dict(leaves(config_schema()))
OBJECTS = dict(objects(config_schema()))


@pytest.mark.parametrize("where", OBJECTS)
def test_every_level_forbids_unknown_keys_and_needs_the_known(where: str) -> None:
    schema = OBJECTS[where]
    if "properties" in schema:
        assert schema.get("additionalProperties") is False
    # which names only what differs
    if "properties" in schema and where != "config.datasets.*":
        # an arm that names none has the run's
        free = set(ARM_SETTINGS) if where == "config.pretrain.arms.*" else set()
        assert {*schema.get("required", [])} == {*schema["properties"]} - free, (
            "no second default: all are required"
        )


@pytest.mark.parametrize("where", LEAVES)
def test_every_value_has_a_type_and_every_number_a_bound(where: str) -> None:
    leaf = LEAVES[where]
    assert {"type", "enum", "const", "anyOf", "oneOf"} & set(leaf)
    kinds = (
        [leaf.get("type")]
        if isinstance(leaf.get("type"), str)
        else leaf.get("type", [])
    )
    if {"number", "integer"} & set(kinds) and "enum" not in leaf:
        assert {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"} & set(
            leaf
        ), f"{where} has no bound"


def test_the_config_keeps_the_schema_and_so_has_every_key() -> None:
    check_config(copy.deepcopy(CONFIG))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name)
def test_every_scenario_over_the_config_keeps_the_schema(path: Path) -> None:
    config = copy.deepcopy(SHIPPED)
    update_config(config, yaml.safe_load(path.read_text()))
    check_config(complete(config))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name)
def test_a_scenario_names_only_what_differs(path: Path) -> None:
    def same(new: Any, old: Any, where: str) -> Iterator[str]:
        for key, value in new.items():
            # entries of a map of the user's names are given whole
            named = OBJECTS.get(f"config.{where}".rstrip("."), {"properties": {}})
            if f"config.{where}{key}.*" in OBJECTS or "properties" not in named:
                continue
            if isinstance(value, dict) and isinstance(old.get(key), dict):
                yield from same(value, old[key], f"{where}{key}.")
            elif key in old and old[key] == value:
                yield where + key

    scenario = yaml.safe_load(path.read_text())
    # its values are what the scenario's others differ from
    preset = scenario.get("prep", {}).pop("preset", None)
    base = (
        complete(overlay(SHIPPED, {"prep": {"preset": preset}})) if preset else CONFIG
    )
    if path.stem in ADDED:
        base = complete({})
    assert list(same(scenario, base, "")) == []


@pytest.mark.parametrize("where", [*OBJECTS, *LEAVES])
def test_every_section_and_every_key_says_what_it_means(where: str) -> None:
    assert (OBJECTS | LEAVES)[where]["description"]


def functions(stage: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted((ROOT / "grnformer" / stage).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


@pytest.mark.parametrize("stage", STAGES)
def test_defaults_stand_in_the_config_only(stage: str) -> None:
    """No function of a stage gives a default to a parameter that its config section sets."""
    section = {"model": "pretrain", "train": "pretrain"}.get(stage, stage)
    keys = {
        where.split(".")[-1]
        for where in LEAVES
        if where.startswith(f"config.{section}.") and ".*" not in where
    }
    second = []
    for where, node in functions(stage):
        if node.name.startswith("_"):
            continue
        positional = node.args.posonlyargs + node.args.args
        defaults = node.args.defaults
        given = {arg.arg for arg in positional[len(positional) - len(defaults) :]}
        given |= {
            a.arg
            for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if d is not None
        }
        second += [f"{where}({name})" for name in sorted(given & keys)]
    assert second == []


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_contract_is_well_formed(name: str) -> None:
    contract = contracts.load(name)
    assert contract["description"]
    keys = {
        "table": {"columns", "wide", "key", "min_rows"},
        "anndata": {"X", "layers", "obs", "var", "obsm", "uns", "empty"},
        "mudata": {"modalities", "obs"},
        "json": {"schema"},
    }[contract["kind"]]
    assert set(contract) - {"kind", "description"} <= keys
    if contract["kind"] == "table":
        assert set(contract.get("key", [])) <= set(contract["columns"])
        for rule in [
            *contract["columns"].values(),
            *([contract["wide"]] if "wide" in contract else []),
        ]:
            check_rule(rule)
    if contract["kind"] == "json":
        import jsonschema

        jsonschema.Draft202012Validator.check_schema(contract["schema"])
    for part in {
        "anndata": [contract],
        "mudata": list(contract.get("modalities", {}).values()),
    }.get(contract["kind"], []):
        assert set(part) - {"kind", "description"} <= {
            "X",
            "layers",
            "obs",
            "var",
            "obsm",
            "uns",
            "empty",
            "optional",
        }
        for rules in ("layers", "obs", "var"):
            for rule in part.get(rules, {}).values():
                check_rule(rule)


def check_rule(rule: dict[str, Any]) -> None:
    assert rule["type"] in {"string", "number", "integer", "boolean", "list", "any"}
    known = {
        "type",
        "minimum",
        "maximum",
        "nullable",
        "values",
        "optional",
        "description",
        "sparse",
        "unit",
    }
    assert set(rule) <= known, f"unknown {set(rule) - known}"
    for flag in ("nullable", "optional", "sparse"):
        assert isinstance(rule.get(flag, True), bool)


@pytest.mark.parametrize(
    "path",
    sorted(
        [
            *(ROOT / "grnformer").rglob("*.py"),
            *(ROOT / "workflow" / "scripts").rglob("*.py"),
        ]
    ),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_contracts_that_code_names_exist(path: Path) -> None:
    calls = re.findall(
        r"\b(?:read|write)_(?:table|anndata|mudata|modality|json)\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*?\"(\w+)\"\s*,?\s*(?:\"(?:X|names)\"\s*,?\s*)?\)",
        path.read_text(),
    )
    assert set(calls) <= set(CONTRACTS) | {"rna", "atac"}


def test_schemas_of_files_and_config_are_yaml_without_repeated_keys() -> None:
    for path in [
        *(ROOT / "workflow" / "schemas").rglob("*.yaml"),
        *(ROOT / "config").rglob("*.yaml"),
    ]:
        check_repeats(yaml.compose(path.read_text()), path)


def check_repeats(node: Any, path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), (
            f"{path.name} repeats {[k for k in keys if keys.count(k) > 1]}"
        )
        for _, value in node.value:
            check_repeats(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            check_repeats(value, path)
