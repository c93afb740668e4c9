"""The schema, the defaults and the documentation of the settings, from their definitions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema

from grnformer.settings.config import Config
from grnformer.settings.key import Settings
from grnformer.settings.sizes import Size

WIDTH = 120
GENERATED = "# Written by `make settings` from grnformer/settings: change it there."
BOUNDS = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
}


class _Schema(GenerateJsonSchema):
    """JSON schema without titles and defaults; `type: [integer, "null"]` where a value may be null."""

    def default_schema(self, schema: Any) -> Any:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: Any) -> Any:
        inner = self.generate_inner(schema["schema"])
        return {**inner, "type": [inner["type"], "null"]}

    def sort(self, value: Any, parent_key: str | None = None) -> Any:
        return value  # keys in the order of their definition, for the reader


def generate() -> dict[str, str]:
    """Return the text of every generated file, by its path from the checkout."""
    schema, defaults = schema_of(Config), defaults_of(Config)
    size = schema["properties"]["pretrain"]["properties"]["sizes"][
        "additionalProperties"
    ]
    tiny = defaults_of(Size)

    head = f"{GENERATED}\n# {size['description']}\n"
    texts = {
        "workflow/schemas/config.schema.yaml": GENERATED + "\n" + _dump(schema),
        "config/sizes/tiny.yaml": head + "\n".join(_commented(size, tiny)) + "\n",
    }

    sections = {
        name for name in defaults if isinstance(getattr(Config(), name), Settings)
    }
    # short ones stand with the keys at the top
    sections -= {"environments", "resources"}
    for section in [*sorted(sections), "general"]:
        names = (
            [section]
            if section in sections
            else [name for name in defaults if name not in sections]
        )
        part = {"properties": {name: schema["properties"][name] for name in names}}
        texts[f"workflow/defaults/{section}.yaml"] = (
            "\n".join([GENERATED, *_commented(part, defaults)]) + "\n"
        )

    texts["docs/settings.md"] = _document(schema, defaults, tiny)
    return texts


def schema_of(settings: type[Settings]) -> dict[str, Any]:
    """JSON schema of a section, without references; every key is required, for defaults are filled in before."""
    schema = settings.model_json_schema(schema_generator=_Schema, mode="serialization")
    result: dict[str, Any] = _inlined(schema, schema.get("$defs", {}))
    return result


def defaults_of(settings: type[Settings]) -> dict[str, Any]:
    """Defaults of a section, as they stand in its definition; ValidationError if one is out of its bounds."""
    defaults = settings().model_dump(warnings=False)
    settings.model_validate(defaults)
    return defaults


def _inlined(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inlined(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part

    if "$ref" in part:
        named = definitions[part["$ref"].rsplit("/", 1)[-1]]
        part = {
            **named,
            **{name: value for name, value in part.items() if name != "$ref"},
        }
    # pydantic's titles are text; a schema under this name is of a key called title.
    dropped = {
        name
        for name in ("$defs", "title")
        if name != "title" or isinstance(part.get(name), str)
    }
    kept = {
        name: _inlined(value, definitions)
        for name, value in part.items()
        if name not in dropped
    }
    if isinstance(kept.get("description"), str):
        # a docstring of several lines
        kept["description"] = " ".join(kept["description"].split())
    return kept


def _dump(value: Any) -> str:
    return yaml.safe_dump(
        value, default_flow_style=None, sort_keys=False, allow_unicode=True, width=WIDTH
    )


def _commented(
    schema: dict[str, Any], values: dict[str, Any], indent: str = ""
) -> Iterator[str]:
    """YAML lines of a section, each key with its unit, bounds and meaning."""
    for name, part in schema["properties"].items():
        value = values[name]
        nested = "properties" in part
        text = "" if nested else _flow(value)
        line = f"{indent}{name}: {text}".rstrip()
        note = (
            part.get("description", "")
            if nested
            else f"{part['description']} [{_limits(part)}]"
        )
        block = isinstance(value, dict | list) and not nested and len(line) > WIDTH - 10

        if len(f"{line} # {note}") <= WIDTH and not block:
            yield f"{line} # {note}"
        else:
            mark = f"{indent}# "
            yield from textwrap.wrap(
                note,
                WIDTH,
                initial_indent=mark,
                subsequent_indent=mark,
                break_on_hyphens=False,
            )
            yield f"{indent}{name}:" if block else line

        if nested:
            yield from _commented(part, value, indent + "  ")
        elif block:
            yield textwrap.indent(_dump(value).rstrip(), indent + "  ")


def _flow(value: Any) -> str:
    """A value on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _limits(part: dict[str, Any]) -> str:
    """Unit and bounds of a value, or its options."""
    unit = f"{part['x-unit']}, " if "x-unit" in part else ""
    return unit + _bounds(part)


def _bounds(part: dict[str, Any]) -> str:
    if "enum" in part:
        return " | ".join(map(str, part["enum"]))
    if "anyOf" in part:
        return " or ".join(_bounds(option) for option in part["anyOf"])

    kinds = part.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    or_null = " or null" if "null" in kinds else ""
    if kinds[0] == "array":
        items = part["items"]
        word = "list" if "properties" in items else f"list of {_bounds(items)}"
        return word + (", not empty" if part.get("minItems") else "") + or_null
    if kinds[0] == "object":
        return "map" + or_null
    if kinds[0] == "boolean":
        return "true | false"

    limits = [
        f"{sign} {part[bound]:.12g}" for bound, sign in BOUNDS.items() if bound in part
    ]
    return (
        kinds[0].replace("string", "text")
        + " " * bool(limits)
        + ", ".join(limits)
        + or_null
    )


def _document(
    schema: dict[str, Any], defaults: dict[str, Any], tiny: dict[str, Any]
) -> str:
    """docs/settings.md: a table a section."""
    lines = [
        "# Settings",
        "",
        "<!-- Written by `make settings` from grnformer/settings: change it there. -->",
        "",
        "Every key of the configuration. `config/config.yaml` holds what a lab usually edits; any key below may be",
        "added there, in a scenario file (`--configfile`) or on the command line (`--config`). A key that is not given",
        "has the default, or the value of `prep.preset`. `<name>` stands for a name of yours, such as that of an arm.",
        "The keys of a size show the defaults of `tiny`; `config/sizes` has the others.",
        "",
    ]
    general = {
        name: part
        for name, part in schema["properties"].items()
        if "properties" not in part
    }
    lines += _table("General", "", {"properties": general}, defaults, tiny)
    for name, part in schema["properties"].items():
        if name not in general:
            lines += _table(
                f"`{name}`", f"{part['description']}", part, defaults[name], tiny
            )
    return "\n".join(lines)


def _table(
    title: str,
    about: str,
    schema: dict[str, Any],
    values: dict[str, Any],
    tiny: dict[str, Any],
) -> list[str]:
    lines = [f"## {title}", ""] + ([about, ""] if about else [])
    lines += ["| key | default | unit | values | meaning |", "|---|---|---|---|---|"]
    for place, part, value in _rows(schema, values, tiny, ""):
        meaning = part.get("description", "")
        cells = [
            f"`{place}`",
            value,
            part.get("x-unit", ""),
            "" if "properties" in part else _bounds(part),
            meaning,
        ]
        lines.append(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        )
    return [*lines, ""]


def _rows(
    schema: dict[str, Any], values: Any, tiny: dict[str, Any], place: str
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Place, schema and default of every key; of entries named by the user, the keys without a default."""
    for name, part in schema["properties"].items():
        here = f"{place}{name}"
        value = values.get(name) if isinstance(values, dict) else None
        if "properties" in part:
            yield here, part, ""
            yield from _rows(part, value, tiny, f"{here}.")
            continue

        known = isinstance(values, dict) and name in values
        yield here, part, f"`{_flow(value)}`" if known else ""
        entry = part.get("additionalProperties", part.get("items"))
        if isinstance(entry, dict) and "properties" in entry:
            inner = (
                f"{here}.<name>." if "additionalProperties" in part else f"{here}[]."
            )
            yield from _rows(entry, tiny if here == "sizes" else None, tiny, inner)
