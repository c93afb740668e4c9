"""The settings as a run reads them: defaults, presets and sizes filled in, then checked. No pydantic here."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from grnformer.core.contracts import SCHEMAS
from grnformer.core.errors import InputError
from grnformer.core.place import ROOT
from grnformer.settings.grid import LEAST_SEEDS, expand_grid

CONFIG = ROOT / "config"
DEFAULTS = SCHEMAS.parent / "defaults"
SMALLEST = "tiny"  # the size from which the others name their differences
# libyaml's, where it is there: ten times as fast
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML takes 1e-4 for text, and `--config` gives all nested values as text
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_WORDS: dict[str, dict[str, Any]] = {
    "boolean": {"true": True, "false": False},
    "null": {"null": None},
}


def config_schema() -> dict[str, Any]:
    """JSON schema of a complete configuration, which callers must not change."""
    schema: dict[str, Any] = _load(SCHEMAS / "config.schema.yaml")
    return schema


def read_defaults(section: str) -> dict[str, Any]:
    """One section of the defaults, for those who call the package without the workflow; `pretrain` with its sizes."""
    defaults: dict[str, Any] = complete({})[section]
    return defaults


def complete(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with every key: those given, over those of `prep.preset`, over the defaults.

    Maps are merged key by key, other values replaced, as Snakemake merges config files. Only `pretrain.arms` is taken
    as it is given, so that an arm can be left out. Each of `pretrain.sizes` is laid over the file of its name in
    config/sizes, and that over tiny. The same settings, in whatever order and spelling, make the same configuration.
    What is wrong in `config` is left for `check_config`.

    Raises
    ------
    InputError
        If there is no such preset.
    """
    defaults = {
        section: value
        for path in _yaml_files(DEFAULTS)
        for section, value in _load(path).items()
    }
    config = _as_meant(config_schema(), config)
    for name, part in _maps(config.get("datasets")):
        config["datasets"][name] = _as_meant(config_schema(), part)
    filled = overlay(overlay(defaults, preset_of(config)), config)

    # named sources and arms are all that there are: the defaults are not added
    fuse = config.get("fuse")
    known = fuse.get("knowledge") if isinstance(fuse, dict) else None
    if isinstance(known, dict) and "sources" in known:
        filled["fuse"]["knowledge"]["sources"] = known["sources"]

    pretrain, given = filled["pretrain"], config.get("pretrain")
    if not isinstance(pretrain, dict):
        # what is wrong here is for `check_config` to name
        return deepcopy(filled)
    if isinstance(given, dict) and "arms" in given:
        pretrain["arms"] = given["arms"]

    if isinstance(pretrain["sizes"], dict):
        files = {path.stem: _load(path) for path in _yaml_files(CONFIG / "sizes")}
        named = overlay(files, pretrain["sizes"])
        pretrain["sizes"] = {
            name: overlay(files[SMALLEST], size) for name, size in named.items()
        }

        _take_grid(pretrain)

    # parts are shared with the files that were read, which are kept
    return deepcopy(filled)


def _take_grid(pretrain: dict[str, Any]) -> None:
    """Put the arms of a grid in the place of `arms`; what is wrong with the grid is for `check_config` to name."""
    import jsonschema

    schema = config_schema()["properties"]["pretrain"]["properties"]["grid"]
    grid, size = pretrain["grid"], pretrain["sizes"].get(pretrain["size"])
    whole = isinstance(grid, dict) and grid.get("scales") and isinstance(size, dict)
    if whole and jsonschema.Draft202012Validator(schema).is_valid(grid):
        pretrain["arms"] = expand_grid(
            grid,
            size["gnn"]["name"],
            pretrain["perturbed_fraction"],
            pretrain["backbone"],
        )


def preset_of(config: dict[str, Any]) -> dict[str, Any]:
    """Return what the preset of a configuration sets, a part of a configuration; InputError if there is no such one."""
    prep = config.get("prep")
    name = prep.get("preset") if isinstance(prep, dict) else None
    if not isinstance(name, str):
        return {}

    known = {path.stem: path for path in _yaml_files(CONFIG / "presets")}
    if name not in known:
        raise InputError(
            f"prep.preset is {name!r}",
            f"one of {', '.join(known)}, or null",
            f"correct the name, or write {CONFIG / 'presets' / name}.yaml",
        )
    preset: dict[str, Any] = _load(known[name])
    return preset


def overlay(settings: Any, given: Any) -> Any:
    """Nested settings with those that are given in their place; `settings` is not changed."""
    if not isinstance(settings, dict) or not isinstance(given, dict):
        # as it was spelt before, so that no job is run again for 20.0 in place of 20
        return settings if _same(settings, given) else given
    return settings | {
        key: overlay(settings[key], given[key]) if key in settings else given[key]
        for key in given
    }


def _same(one: Any, other: Any) -> bool:
    """Whether two settings have one value; true and 1 are two."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _same(one[key], other[key]) for key in one
        )
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _as_meant(schema: Any, value: Any) -> Any:
    """A value in the one form of its meaning: known keys in order, numbers and words as such, whole numbers as int."""
    schema = schema if isinstance(schema, dict) else {}
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        order = [key for key in known if key in value]
        order += [key for key in value if key not in known]
        return {key: _as_meant(known.get(key, others), value[key]) for key in order}
    if isinstance(value, list):
        options = [schema, *schema.get("anyOf", [])]
        items = next((part["items"] for part in options if "items" in part), None)
        return [_as_meant(items, part) for part in value]

    kinds = _kinds(schema)
    if isinstance(value, str):
        words = {
            word: meant
            for kind in kinds & _WORDS.keys()
            for word, meant in _WORDS[kind].items()
        }
        if value in words and "enum" not in schema:
            return words[value]
        if "string" not in kinds and kinds & {"number", "integer"}:
            value = float(value) if _NUMBER.fullmatch(value) else value

    whole = isinstance(value, float) and value.is_integer()
    return int(value) if whole and kinds & {"number", "integer"} else value


def _kinds(schema: dict[str, Any]) -> set[str]:
    """Types that a schema allows."""
    kinds = schema.get("type", [])
    found = {kinds} if isinstance(kinds, str) else set(kinds)
    return found.union(*(_kinds(part) for part in schema.get("anyOf", [])))


def _maps(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """Entries of a map that are maps; none if it is no map."""
    entries = value.items() if isinstance(value, dict) else ()
    return [(name, part) for name, part in entries if isinstance(part, dict)]


def check_config(config: dict[str, Any]) -> None:
    """Raise InputError if a complete configuration does not keep its schema; unknown keys are errors at every level."""
    import jsonschema

    _check_finite(config, "")

    validator = jsonschema.Draft202012Validator(config_schema())
    error = jsonschema.exceptions.best_match(validator.iter_errors(config))
    if error is not None:
        place = [str(part) for part in error.absolute_path]
        if error.validator == "additionalProperties":
            raise _unknown_key(
                place,
                min(map(str, set(error.instance) - set(error.schema["properties"]))),
                error.schema,
            )
        raise InputError(
            f"in the config at {'.'.join(place) or 'the top level'}: {error.message}",
            _expected(error),
            "correct the config file or the --config option; docs/settings.md lists every key",
        )

    _check_ranges(config["prep"])
    _check_topics(config["topics"])
    _check_sc_drug(config["bench"]["sc_drug"])

    pretrain = config["pretrain"]
    # a schema cannot say that one value is a key of another setting
    if pretrain["size"] not in pretrain["sizes"]:
        raise InputError(
            f"pretrain.size is {pretrain['size']!r}",
            f"one of {', '.join(pretrain['sizes'])}",
            "correct the name, or add the size to config/sizes or pretrain.sizes",
        )
    _check_grid(pretrain["grid"], pretrain["seeds"])


def _check_grid(grid: dict[str, Any], seeds: list[int]) -> None:
    """Raise InputError if a grid varies nothing, or has too few seeds to judge by."""
    if grid["scales"][:1] == ["none"]:
        raise InputError(
            "pretrain.grid.scales that begin with 'none'",
            "a graph of the data first: its layer, perturbation and fraction are those that the grid varies",
            "write hybrid, cell_type or cell before none",
        )
    if grid["scales"] and len(seeds) < LEAST_SEEDS:
        raise InputError(
            f"pretrain.grid with the seeds {seeds}",
            f"{LEAST_SEEDS} seeds or more, so that differences of that many arms can be judged",
            "add seeds to pretrain.seeds; for a look at fewer, write the arms into pretrain.arms",
        )


def named_files(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Place and value of every file that a configuration names, and those of its datasets."""
    yield from _files_at(config_schema(), config, "")
    # their own settings are parts of a configuration, which their schema leaves open
    for name, part in config["datasets"].items():
        yield from _files_at(config_schema(), part, f"datasets.{name}.")


def _files_at(schema: Any, value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Files below a place, by the mark that `grnformer.settings.key.File` leaves in the schema."""
    if not isinstance(schema, dict) or value is None:
        return
    if "x-path" in schema:
        yield place.rstrip("."), value
    elif isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, part in value.items():
            yield from _files_at(known.get(key, others), part, f"{place}{key}.")
    elif isinstance(value, list):
        for part in value:
            yield from _files_at(schema.get("items"), part, place)


def _check_ranges(prep: dict[str, Any]) -> None:
    """Raise InputError if a lower bound lies above its upper one: no cell could pass."""
    for section, what in (
        ("cells", "umis"),
        ("cells", "atac_counts"),
        ("fragments", "fragments"),
    ):
        low, high = prep[section][f"min_{what}"], prep[section][f"max_{what}"]
        if high is not None and low > high:
            raise InputError(
                f"prep.{section}.min_{what} is {low}, and max_{what} is {high}",
                "a lower bound that is at most the upper one",
                "correct one of them; a preset may have set the other",
            )


def _check_topics(topics: dict[str, Any]) -> None:
    """Raise InputError if the topic count to take is none of those that are fitted."""
    if topics["selected"] not in (None, *topics["n_topics"]):
        raise InputError(
            f"topics.selected is {topics['selected']}",
            f"one of topics.n_topics, {topics['n_topics']}, or null",
            "correct it, or add it to topics.n_topics",
        )


def _check_sc_drug(sc_drug: dict[str, Any]) -> None:
    """Raise InputError if sets of cells share a name, tasks are one, or lines have z-scores."""
    named = {
        "lines have the name": [entry["name"] for entry in sc_drug["lines"]],
        "labelled have the name": [entry["name"] for entry in sc_drug["labelled"]],
        "labelled have the cell_set and drug": [
            f"{entry['cell_set']}, {entry['drug']}" for entry in sc_drug["labelled"]
        ],
    }
    for what, names in named.items():
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(
                f"two entries of bench.sc_drug.{what} {twice!r}",
                "another one for each entry: of one name, the last would stand for all",
                "rename one of them",
            )
    scored = [e["name"] for e in sc_drug["lines"] if e["values"] == "z_scores"]
    if scored:
        raise InputError(
            f"bench.sc_drug.lines, {scored[0]}: values z_scores",
            "linear or logarithms: cells of lines are compared with bulk profiles, each within itself",
            "give counts, TPM or logarithms of these cells",
        )


def _check_finite(value: Any, place: str) -> None:
    """Raise InputError for infinity, and for what is no number: no bound would refuse these."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(
            f"in the config at {place.rstrip('.')}: {value}",
            "a finite number",
            "write a number; to switch a limit off, take a bound that nothing reaches, or null where it is allowed",
        )
    parts = enumerate(value) if isinstance(value, list) else ()
    for key, part in value.items() if isinstance(value, dict) else parts:
        _check_finite(part, f"{place}{key}.")


def _unknown_key(place: list[str], key: str, schema: dict[str, Any]) -> InputError:
    """The error of a key that there is not: whether it was renamed or deleted, or which one is meant."""
    where = ".".join(place) or "the top level"
    found = f"in the config at {where}: the unknown key {key!r}"
    expected = f"only the keys {sorted(schema['properties'])}"

    # before the nearest name: a renamed key may be spelt like another one
    for old, new in _load(Path(__file__).with_name("renamed.yaml")).items():
        if _fits([*place, key], old.split(".")):
            remedy = f"delete the key: there is no such setting any more ({old})"
            return InputError(
                found, expected, f"it was renamed: write {new}" if new else remedy
            )

    near = difflib.get_close_matches(key, schema["properties"], n=1)
    remedy = f"did you mean {near[0]!r}? " if near else ""
    return InputError(found, expected, f"{remedy}docs/settings.md lists every key")


def _fits(place: list[str], pattern: list[str]) -> bool:
    """Whether a place is that of a pattern, in which `*` stands for any name."""
    return len(place) == len(pattern) and all(
        b in ("*", a) for a, b in zip(place, pattern, strict=True)
    )


def _expected(error: Any) -> str:
    if error.validator == "required":
        return f"the keys {error.validator_value}"
    notes = [
        error.schema[note] for note in ("description", "x-unit") if note in error.schema
    ]
    return f"{error.validator} {error.validator_value}" + (
        f" ({'; '.join(notes)})" if notes else ""
    )


def _yaml_files(folder: Path) -> Iterable[Path]:
    if not folder.is_dir():
        raise InputError(
            f"no folder {folder}", "a checkout of the workflow", "give the settings"
        )
    return sorted(folder.glob("*.yaml"))


@cache
def _load(path: Path) -> Any:
    """Content of a YAML file, which callers must not change."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
