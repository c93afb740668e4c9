"""What a setting is: a class for a section, one line for a key."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

AFFECTS_RESULTS = False
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveFraction = Annotated[float, Field(gt=0, le=1)]
PartFraction = Annotated[float, Field(gt=0, lt=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
# numpy takes no larger one
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Word = Annotated[str, Field(min_length=1)]
# a path or resource:<name>, which is looked up before any work (`grnformer.workflow.paths`)
File = Annotated[str, Field(json_schema_extra={"x-path": True})]


class Settings(BaseModel):
    """A section of the configuration: its keys are the fields, its docstring says what it is about."""

    model_config = ConfigDict(
        extra="forbid", json_schema_serialization_defaults_required=True
    )


def key(
    default: Any,
    meaning: str,
    *,
    unit: str | None = None,
    options: tuple[str, ...] | None = None,
    names: dict[str, Any] | None = None,
    unique: bool = False,
    **bounds: Any,
) -> Any:
    """Return a key of a section.

    Parameters
    ----------
    default
        Its default; `...` in an entry that the user writes whole, such as an arm.
    meaning
        In plain English, with the source of a choice or a formula.
    unit
        Of a number.
    options
        Words to choose from, where they are not known to the type checker (names of methods).
    names
        JSON schema of the names in a map.
    unique
        Whether the items of a list must differ.
    **bounds
        As pydantic has them: ge, gt, le, lt, min_length, max_length. Every number has one.
    """
    extra: dict[str, Any] = {}
    if unit is not None:
        extra["x-unit"] = unit
    if options is not None:
        extra["enum"] = list(options)
    if names is not None:
        extra["propertyNames"] = names
    if unique:
        extra["uniqueItems"] = True
    return Field(default, description=meaning, json_schema_extra=extra, **bounds)
