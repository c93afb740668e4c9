"""The config is checked as by the hand-written schema: what that accepts is accepted, what it refuses refused.

fixtures/config_schema holds the hand-written schema and its config; renamed_settings.yaml says what has moved since.
Each probe changes one place of that config: a value at each bound and beyond it, of a wrong type, null, each member of
an enumeration and a word that is none, lists empty and with an entry twice, an unknown key, a missing key.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from grnformer.core.errors import InputError
from grnformer.settings.read import check_config, complete, config_schema

ROOT = Path(__file__).parents[2]
FIXTURES = Path(__file__).parent / "fixtures"
Place = tuple[str | int, ...]
#: Keys that a user may choose, and some that name no file or arm.
KEYS = ("x", "X9", "a-b_c", "a.b", ".a", "a b", "9a", "")
ABSENT = object()


def current_defaults() -> dict[str, Any]:
    """The whole config with every default, as the workflow checks it."""
    return complete({})


@dataclass(frozen=True)
class Probe:
    """A config with `value` at one place (ABSENT: without that place), and what the hand-written schema says of it."""

    place: Place
    value: Any
    accepted: bool

    def __str__(self) -> str:
        value = "no such key" if self.value is ABSENT else repr(self.value)[:60]
        return f"{'.'.join(map(str, self.place))}: {value}"


class Golden:
    """The hand-written schema with its config, in which every map and list has an entry."""

    def __init__(self, folder: Path) -> None:
        sections = {
            path.stem: yaml.safe_load(path.read_text())
            for path in sorted(folder.glob("sections/*.yaml"))
        }
        self.schema = {
            "type": "object",
            "properties": sections,
            "required": list(sections),
        }
        self.schema["additionalProperties"] = False
        self.validator = jsonschema.Draft202012Validator(self.schema)
        self.config = self.filled(
            self.schema, yaml.safe_load((folder / "config.yaml").read_text())
        )

    def followed(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema behind a reference."""
        target: Any = self.schema
        if "$ref" not in schema:
            return schema
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return target

    def accepts(self, schema: dict[str, Any], value: Any) -> bool:
        """Whether a value keeps a part of the schema."""
        return bool(self.validator.evolve(schema=schema).is_valid(value))

    def filled(self, schema: dict[str, Any], value: Any) -> Any:
        """The value with an entry in each empty map, and in each empty list of lists or objects."""
        schema = self.followed(schema)
        if isinstance(value, dict):
            parts = schema.get("properties", {})
            of_entries = schema.get("additionalProperties")
            if isinstance(of_entries, dict) and not value:
                value = {self.keys_of(schema)[0]: self.example(of_entries)}
            return {
                key: self.filled(parts.get(key, of_entries), part)
                for key, part in value.items()
            }
        if value == [] and self.followed(schema.get("items", {})).get("type") in (
            "array",
            "object",
        ):
            return [self.example(schema["items"])]
        return value

    def example(self, schema: dict[str, Any], number: int = 0) -> Any:
        """A value that keeps a schema; another one for another number."""
        schema = self.followed(schema)
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0], number)
        if "enum" in schema:
            return schema["enum"][number % len(schema["enum"])]
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if kinds[0] == "object":
            return {
                key: self.example(part)
                for key, part in schema.get("properties", {}).items()
            }
        if kinds[0] == "array":
            return [
                self.example(schema["items"], i)
                for i in range(schema.get("minItems", 1))
            ]
        if kinds[0] == "string":
            return "xyz"[number % 3]
        if kinds[0] == "boolean":
            return bool(number % 2)
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        return low + number + (1 if kinds[0] == "integer" else 0.25)

    def values(self, schema: dict[str, Any], value: Any) -> Iterator[Any]:
        """Values to try in place of one that is accepted."""
        schema = self.followed(schema)
        yield None
        for part in schema.get("anyOf", []):
            yield from self.values(part, self.example(part))
        kinds = schema.get("type", [])
        if {"integer", "number"} & {*([kinds] if isinstance(kinds, str) else kinds)}:
            yield from self.numbers(schema)
        elif "array" in kinds:
            yield from ({}, "nonsense", *self.lists(schema, value))
        elif "object" in kinds:
            yield from ([], {})
        else:
            yield from (1, "nonsense", *schema.get("enum", ()))
            yield from ("",) if "string" in kinds else ()

    def numbers(self, schema: dict[str, Any]) -> Iterator[Any]:
        """Numbers at the bounds, and just outside of them or, where a bound is excluded, just inside."""
        whole = "number" not in schema["type"]
        step = 1 if whole else 1e-6
        outwards = {
            "minimum": -step,
            "exclusiveMinimum": step,
            "maximum": step,
            "exclusiveMaximum": -step,
        }
        for bound in outwards.keys() & schema.keys():
            yield from (schema[bound], schema[bound] + outwards[bound])
        yield from ("1", True)
        if not {"maximum", "exclusiveMaximum"} & schema.keys():
            yield 10**9
        if whole:
            within = self.example(schema)
            yield from (float(within), within + 0.5)

    def lists(self, schema: dict[str, Any], value: Any) -> Iterator[list[Any]]:
        """Lists with an entry twice, one too many, or an entry that is tried by itself."""
        items = schema["items"]
        some = value or [self.example(items)]
        yield [*some, some[0]]
        yield [*some, self.example(items, 1), self.example(items, 2)]
        yield some[:1]
        if self.followed(items).get("type") != "object":
            for entry in self.values(items, some[0]):
                yield [entry, *some[1:]]

    def probes(self) -> list[Probe]:
        """All probes, none twice."""
        found: dict[tuple[Place, str], Probe] = {}
        for probe in self.walk(self.schema, self.config, (), set()):
            found.setdefault((probe.place, repr(probe.value)), probe)
        return list(found.values())

    def walk(
        self, schema: dict[str, Any], value: Any, place: Place, seen: set[str]
    ) -> Iterator[Probe]:
        """Probes of a value and all below it; of a definition used again, only null and an unknown key are tried."""
        definition, schema = schema.get("$ref"), self.followed(schema)
        again = definition in seen
        below = self.below(schema, value)
        if place:
            tried = (None, "nonsense") if below else self.values(schema, value)
            for changed in tried:
                yield Probe(place, changed, self.accepts(schema, changed))
        if isinstance(value, dict):
            yield from self.keys(schema, value, place, again)
        for key, (part_schema, part) in below.items():
            if again and not isinstance(part, dict):
                yield Probe((*place, key), None, self.accepts(part_schema, None))
            else:
                yield from self.walk(part_schema, part, (*place, key), seen)
        if definition:
            seen.add(definition)

    def below(
        self, schema: dict[str, Any], value: Any
    ) -> dict[str | int, tuple[dict[str, Any], Any]]:
        """Schema and value of all keys of an object, of one entry of a map, or of one object in a list of them."""
        if isinstance(value, dict) and "properties" in schema:
            return {
                key: (part, value[key])
                for key, part in schema["properties"].items()
                if key in value
            }
        if isinstance(value, dict) and isinstance(
            schema.get("additionalProperties"), dict
        ):
            return {
                key: (schema["additionalProperties"], value[key])
                for key in list(value)[:1]
            }
        if (
            isinstance(value, list)
            and self.followed(schema.get("items", {})).get("type") == "object"
        ):
            return {0: (schema["items"], value[0])}
        return {}

    def keys_of(self, schema: dict[str, Any]) -> tuple[str, ...]:
        """Keys to try in a map; the first is allowed."""
        return (*schema.get("propertyNames", {}).get("enum", []), *KEYS)

    def keys(
        self,
        schema: dict[str, Any],
        value: dict[str, Any],
        place: Place,
        only_unknown: bool,
    ) -> Iterator[Probe]:
        """Unknown keys, keys that a user may choose, missing keys."""
        of_entries = schema.get("additionalProperties")
        names = (
            self.keys_of(schema) if isinstance(of_entries, dict) else ("unknown_key",)
        )
        for name in names:
            added = self.example(of_entries) if isinstance(of_entries, dict) else 1
            yield Probe(
                (*place, name), added, self.accepts(schema, value | {name: added})
            )
        for name in () if only_unknown else value:
            rest = {key: part for key, part in value.items() if key != name}
            yield Probe((*place, name), ABSENT, self.accepts(schema, rest))


class Moved:
    """Where the places of the hand-written schema are now."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.renamed = {
            tuple(old.split(".")): tuple(new.split("."))
            for old, new in table["renamed"].items()
        }
        self.deleted = {tuple(old.split(".")): None for old in table["deleted"]}
        self.changed = {
            tuple(old.split(".")): why for old, why in table["changed"].items()
        }
        self.optional = {
            tuple(old.split(".")): why for old, why in table["optional"].items()
        }

    @staticmethod
    def longest(place: Place, known: Iterable[Place]) -> Place | None:
        """The longest of the known places that a place is, or is below; `*` stands for any key."""
        fitting = [old for old in known if matches(old, place[: len(old)])]
        return max(fitting, key=len) if fitting else None

    def of(self, place: Place) -> Place:
        """The place of today."""
        old = self.longest(place, self.renamed)
        if old is None:
            return place
        chosen = iter(
            [key for name, key in zip(old, place, strict=False) if name == "*"]
        )
        new = [next(chosen) if name == "*" else name for name in self.renamed[old]]
        return (*new, *place[len(old) :])

    def value(self, place: Place, value: Any) -> Any:
        """The value of a place with the keys of today."""
        if isinstance(value, list):
            return [
                self.value((*place, number), part) for number, part in enumerate(value)
            ]
        if not isinstance(value, dict):
            return value
        moved: dict[str, Any] = {}
        here = self.of(place)
        for key, part in value.items():
            below = (*place, key)
            new = self.of(below)
            if self.longest(below, self.deleted) is None:
                assert new[: len(here)] == here, (
                    f"{below} is moved out of a map or list; list its section as changed"
                )
                moved = put(moved, new[len(here) :], self.value(below, part))
        return moved


def matches(pattern: Place, place: Place) -> bool:
    """Whether a place has the keys of a pattern, in which `*` is any key."""
    return len(pattern) == len(place) and all(
        a in ("*", str(b)) for a, b in zip(pattern, place, strict=True)
    )


def found(pattern: Place, value: Any, place: Place = ()) -> list[tuple[Place, Any]]:
    """Places in nested settings that fit a pattern, with what is there."""
    if len(place) == len(pattern):
        return [(place, value)]
    keys = (
        value
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else ()
    )
    fitting = [key for key in keys if pattern[len(place)] in ("*", str(key))]
    return [
        entry for key in fitting for entry in found(pattern, value[key], (*place, key))
    ]


def put(config: Any, place: Place, value: Any) -> Any:
    """The config with a value at a place; only what is on the way there is copied."""
    if not place:
        return value
    key, *rest = place
    changed = copy.copy(config)
    if value is ABSENT and not rest:
        changed.pop(key, None) if isinstance(changed, dict) else changed.pop(key)
        return changed
    missing = isinstance(changed, dict) and key not in changed
    changed[key] = put({} if missing else changed[key], tuple(rest), value)
    return changed


def accepted(config: dict[str, Any]) -> bool:
    """Whether the current check lets a config pass."""
    try:
        check_config(config)
    except InputError:
        return False
    return True


def breaks_its_part(config: dict[str, Any], place: Place) -> bool:
    """Whether the map that holds a place breaks its part of the schema: then the whole is refused."""
    schema, value = config_schema(), config
    for key in place[:-1]:
        if key not in schema.get("properties", {}) or key not in value:
            break
        schema, value = schema["properties"][key], value[key]
    return not today().evolve(schema=schema).is_valid(value)


@cache
def today() -> Any:
    return jsonschema.Draft202012Validator(config_schema())


@cache
def golden() -> Golden:
    return Golden(FIXTURES / "config_schema")


@pytest.fixture(scope="module")
def moved() -> Moved:
    return Moved(yaml.safe_load((FIXTURES / "renamed_settings.yaml").read_text()))


@pytest.fixture(scope="module")
def base(moved: Moved) -> dict[str, Any]:
    """Today's config with every setting that the hand-written schema's config has, in the place where it is today."""
    config = current_defaults()

    def lay(value: Any, schema: dict[str, Any], place: Place) -> None:
        nonlocal config
        schema = golden().followed(schema)
        if moved.longest(place, moved.deleted) or moved.longest(place, moved.changed):
            return
        if "properties" in schema:
            for key, part in schema["properties"].items():
                if key in value:
                    lay(value[key], part, (*place, key))
        else:
            config = put(config, moved.of(place), moved.value(place, value))

    lay(golden().config, golden().schema, ())
    check_config(config)
    return config


def test_the_hand_written_schema_accepts_its_config() -> None:
    assert golden().accepts(golden().schema, golden().config)
    assert len(golden().probes()) > 3000  # a walk that stops early would pass


def test_every_verdict_is_that_of_the_hand_written_schema(
    base: dict[str, Any], moved: Moved
) -> None:
    wrong = []
    together: dict[int, list[Probe]] = {}
    for probe in golden().probes():
        if moved.longest(probe.place, moved.deleted):
            continue
        if moved.longest(probe.place, moved.changed) and probe.value is not ABSENT:
            continue
        if probe.place in moved.optional and probe.value is ABSENT:
            continue
        if not probe.accepted:
            changed = with_all(base, [probe], moved)
            broken = breaks_its_part(changed, moved.of(probe.place))
            if not broken and accepted(changed):
                wrong.append(f"accepted today: {probe}")
        else:
            # probes that are to be accepted are so together, as long as no two change one place
            for group in range(len(together) + 1):
                others = together.setdefault(group, [])
                if not any(overlap(probe.place, other.place) for other in others):
                    others.append(probe)
                    break
    for probes in together.values():
        if not accepted(with_all(base, probes, moved)):
            alone = [
                probe
                for probe in probes
                if not accepted(with_all(base, [probe], moved))
            ]
            assert alone, (
                f"refused together, accepted one by one: {[str(probe) for probe in probes]}"
            )
            wrong += [f"refused today: {probe}" for probe in alone]
    assert not wrong, "\n".join(wrong)


def overlap(one: Place, other: Place) -> bool:
    """Whether one place is the other or is below it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def with_all(
    config: dict[str, Any], probes: list[Probe], moved: Moved
) -> dict[str, Any]:
    """The config with the changes of several probes."""
    for probe in probes:
        config = put(
            config, moved.of(probe.place), moved.value(probe.place, probe.value)
        )
    return config


def test_deleted_settings_are_refused(base: dict[str, Any], moved: Moved) -> None:
    for pattern in moved.deleted:
        for place, value in found(pattern, golden().config):
            where = ".".join(map(str, place))
            assert not accepted(put(base, moved.of(place), value)), (
                f"{where} was deleted and is accepted"
            )


def test_the_table_names_settings_that_were_there(moved: Moved) -> None:
    for pattern in [*moved.renamed, *moved.deleted, *moved.changed, *moved.optional]:
        assert found(pattern, golden().config), (
            f"there was no {'.'.join(map(str, pattern))}"
        )
