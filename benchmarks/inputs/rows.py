"""A row of the table of inputs: what is given, what a user expects, and what came of it."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

RIGHT, POOR, SILENT, TRACEBACK = "right", "poor", "silent", "traceback"


@dataclass(frozen=True)
class Row:
    """One input.

    Attributes
    ----------
    given
        The input, in words.
    run
        Makes it in the working directory, an empty folder, and gives it to its reader.
    value
        What the reader must return; None: it must refuse.
    words
        What the message, or the warning beside the value, must name (regular expressions).
    """

    given: str
    run: Callable[[], Any]
    value: Any
    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """What a user expects, in words."""
        named = ", ".join(f"`{word}`" for word in self.words)
        if self.value is None:
            return f"refused, naming {named}"
        return f"works: {show(self.value)}" + (f"; warned of {named}" if named else "")


@dataclass
class Kind:
    """Rows of one kind of input; `works` and `refused` add one."""

    title: str
    rows: list[Row] = field(default_factory=list)

    def works(
        self, given: str, run: Callable[[], Any], value: Any, *warned: str
    ) -> None:
        """Add an input that must be read as `value`, with a warning that names what is `warned` of."""
        self.rows.append(Row(given, run, value, warned))

    def refused(self, given: str, run: Callable[[], Any], *named: str) -> None:
        """Add an input that must be refused by a message with all that is `named`."""
        self.rows.append(Row(given, run, None, named))


@dataclass(frozen=True)
class Outcome:
    """What came of a row: a value or the first line of the message, and the verdict."""

    row: Row
    happened: str
    verdict: str


def try_row(row: Row) -> Outcome:
    """Run a row in an empty folder and judge what it returns or raises."""
    with _empty_folder() as folder, _warnings() as told:
        try:
            value = row.run()
        except InputError as error:
            happened, verdict = f"refused: {error.found}", _of_message(row, str(error))
        except Exception as error:  # whatever a library raises is a fault of the reader
            first = str(error).strip().split("\n")[0]
            happened, verdict = f"{type(error).__name__}: {first}", TRACEBACK
        else:
            happened, verdict = show(value), _of_value(row, value, "\n".join(told))
            happened += "; warned" if told else ""
    # the folder's name is another in each run
    return Outcome(row, happened.replace(str(folder), "…"), verdict)


def _of_message(row: Row, message: str) -> str:
    """A message is right where a refusal is expected and it says what was meant."""
    if row.value is not None or not _names_all(row, message):
        return POOR
    return RIGHT


def _of_value(row: Row, value: Any, told: str) -> str:
    if row.value is None or not alike(row.value, value):
        return SILENT
    return RIGHT if _names_all(row, told) else SILENT


def _names_all(row: Row, text: str) -> bool:
    return all(re.search(word, text, re.IGNORECASE) for word in row.words)


def alike(one: Any, other: Any) -> bool:
    """Whether two values are one: tables, arrays, and containers of them; numbers up to rounding."""
    if isinstance(one, pd.DataFrame):
        if not isinstance(other, pd.DataFrame) or one.shape != other.shape:
            return False
        names = zip(one.axes, other.axes, strict=True)
        return all(a.astype(str).equals(b.astype(str)) for a, b in names) and alike(
            one.to_numpy(), other.to_numpy()
        )
    if isinstance(one, np.ndarray):
        if one.dtype.kind in "fiub":
            return one.shape == other.shape and np.allclose(one, other, atol=1e-4)
        return one.tolist() == other.tolist()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one)
    if isinstance(one, float):
        return bool(np.isclose(one, other))
    return bool(one == other)


def show(value: Any) -> str:
    """A value in few words."""
    if isinstance(value, pd.DataFrame):
        n_rows, n_columns = value.shape
        numbers = value.to_numpy()
        of = f", sum {numbers.sum():,.6g}" if numbers.dtype.kind in "fiu" else ""
        return f"{n_rows} x {n_columns}{of}"
    if isinstance(value, np.ndarray):
        return f"{' x '.join(map(str, value.shape))} values, sum {value.sum():.6g}"
    if isinstance(value, dict):
        text = ", ".join(f"{name}: {show(part)}" for name, part in value.items())
    elif isinstance(value, list):
        text = ", ".join(map(show, value))
    else:
        text = str(value)
    return text if len(text) <= 90 else f"{text[:87]}..."


@contextmanager
def _empty_folder():
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder).resolve()
        finally:
            os.chdir(before)


@contextmanager
def _warnings():
    """Messages of the package's warnings, which the terminal shows; those of libraries are left out."""
    told: list[str] = []
    handler = logging.Handler(level=logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())
    logger = logging.getLogger("grnformer")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield told
    finally:
        logger.removeHandler(handler)
