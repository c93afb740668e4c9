"""Nested settings side by side: what they are, one a line, and where two of them differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def flatten(settings: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Place (keys joined by dots) and value of each setting; lists stay lists."""
    if isinstance(settings, dict) and settings:
        for key, value in settings.items():
            yield from flatten(value, f"{place}.{key}" if place else str(key))
    else:
        yield place, settings


def differences(
    one: Any, other: Any, place: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Place and both values of each setting that differs; None where one of them lacks it."""
    if isinstance(one, dict) and isinstance(other, dict):
        # in the order of the first
        for key in one | other:
            below = f"{place}.{key}" if place else str(key)
            yield from differences(one.get(key), other.get(key), below)
    elif one != other:
        yield place, one, other


def short(value: Any) -> str:
    """A value for a message; what was not written down is not known."""
    text = "unknown" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
