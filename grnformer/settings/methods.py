"""Sections that hold the settings of methods: one key a method that has some, named as the method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import create_model

from grnformer.core.methods import Method, load, names
from grnformer.settings.key import Settings

S = TypeVar("S", bound=type[Settings])


def default_settings(method: Method) -> Settings | None:
    """Return the settings of a method with their defaults; None: it has none."""
    return method.settings() if method.settings else None


def with_methods(
    package: str, settings_of: Callable[[Method], Settings | None] = default_settings
) -> Callable[[S], S]:
    """Class decorator: add a key for each registered method of `package` (dotted) to a section.

    `settings_of` gives a method's part of the section; None: it has no part.
    """

    def add(section: S) -> S:
        parts = {name: settings_of(load(package, name)) for name in names(package)}
        fields: dict[str, Any] = {
            name: (type(part), part) for name, part in parts.items() if part is not None
        }
        extended: Any = create_model(
            section.__name__, __base__=section, __doc__=section.__doc__, **fields
        )
        return extended

    return add
