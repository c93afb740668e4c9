"""How numbers are written on the page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def format_value(value: Any) -> str:
    """A cell as people read it: three significant digits (four from 10 on), a dash where undefined."""
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(map(str, value))
    # Before the types: a missing value may come in a column of any type.
    if pd.isna(value):
        return MISSING
    # Before integers, which booleans are in Python.
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"

    if pd.api.types.is_integer(value):
        return f"{value:,d}"
    if pd.api.types.is_float(value):
        size = abs(value)
        style = ",.0f" if size >= 1000 else ".4g" if size >= 10 else ".3g"
        return format(value, style).replace("-", MINUS)

    return str(value)


def format_count(number: int, unit: str) -> str:
    """Number and unit, e.g. ``12 TFs``."""
    plural = "" if number == 1 else "s"
    return f"{number:,} {_spell(unit)}{plural}"


def format_range(numbers: pd.Series, unit: str) -> str:
    """Number and unit, or least to greatest number and unit."""
    least, most = numbers.min(), numbers.max()
    several = format_count(most, unit)
    return several if least == most else f"{least} to {several}"


def say_outcome(outcome: str, members: int, unit: str, other: str = "it") -> str:
    """The outcome of a comparison in plain words: `beats it`, `cannot be judged with one seed`, ...

    Parameters
    ----------
    outcome
        Of `Estimate.outcome`.
    members, unit
        Paired members, and what they are.
    other
        What it was compared with.
    """
    few = format_count(members, unit) if members > 1 else f"one {_spell(unit)}"
    said = {
        "better": f"beats {other}",
        "worse": f"is worse than {other}",
        "no difference shown": f"does not beat {other}",
        # what was resampled (lines, genes) is not counted here
        "too few members": "cannot be judged: too few for an interval"
        if unit == "resample"
        else f"cannot be judged with {few}",
        "not comparable": f"cannot be compared with {other}",
    }
    return said[outcome]


def format_difference(value: float, low: float = np.nan, high: float = np.nan) -> str:
    """A difference with its sign, three decimals and its interval, where there is one."""
    if np.isnan(value):
        return "undefined"
    template = "{:+.3f}" if np.isnan(low) else "{:+.3f} [{:+.3f}, {:+.3f}]"
    text = template.format(value, low, high)
    return text.replace("-", MINUS)


def format_rows(rows: pd.DataFrame, template: str) -> list[str]:
    """Text of each row; the template names columns: ``{tf} in {cell_type}: {cells:,}``."""
    return [template.format(**row) for row in rows.to_dict("records")]


def format_differences(rows: pd.DataFrame, template: str) -> list[str]:
    """Text of each row; ``{shown}`` in the template is its difference with the interval."""
    numbers = rows[["difference", "low", "high"]].to_numpy(float)
    return format_rows(
        rows.assign(shown=[format_difference(*row) for row in numbers]), template
    )


def format_sample(shown: int, of: int, what: str) -> str:
    """Say how many points are drawn, where not all are."""
    if shown == of:
        return ""
    return f" {shown:,} of {of:,} {what} are drawn, chosen at random."


def capitalise(text: str) -> str:
    """Text with its first letter as a capital, the rest as it is."""
    return text[:1].upper() + text[1:]


def _spell(unit: str) -> str:
    return " ".join("TF" if word == "tf" else word for word in unit.split(" "))
