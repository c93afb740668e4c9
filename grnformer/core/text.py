"""Text and tables that users bring: one reader, with one message for each way in which a file can be wrong."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: Words that stand for a missing number in a text file: pandas' defaults. In text they are words like any other.
MISSING_NUMBERS = (
    "", "NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "None", "NULL", "null", "NaN", "nan", "-NaN", "-nan",
    "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN",
)  # fmt: skip

_FLAGS = dict.fromkeys(("true", "t", "yes", "1", "1.0"), True)
_FLAGS |= dict.fromkeys(("false", "f", "no", "0", "0.0"), False)

COMMENTS = ("#",)
#: What stands above a BED for genome browsers, too.
BED_COMMENTS = ("#", "track ", "track\t", "browser ", "browser\t")

_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"
_UNTAB = "a tab-separated text file: in Excel, Save as, Text (tab delimited)"

#: First bytes of what is no UTF-8 text -> what it is, and how it becomes text.
_OTHERS = {
    b"PK\x03\x04": ("an Excel workbook or another zip archive", _UNTAB),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", _UNTAB),
    b"\xff\xfe": ("text in UTF-16 (Excel's Unicode text)", "UTF-8"),
    b"\xfe\xff": ("text in UTF-16", "UTF-8"),
    b"\x89HDF": ("an HDF5 file", "text"),
    b"PAR1": ("a Parquet file", "text, or name it .parquet"),
    b"%PDF": ("a PDF", "text"),
    b"BZh": ("compressed by bzip2", "text, compressed by gzip or not at all"),
    b"\xfd7zXZ": ("compressed by xz", "text, compressed by gzip or not at all"),
    b"\x28\xb5\x2f\xfd": (
        "compressed by zstd",
        "text, compressed by gzip or not at all",
    ),
}
# longer than any chromosome, and exact in float64
_LAST = 1 << 40
# beyond this no table is meant: a few kilobytes of gzip can unpack to it
_LARGEST = 2 << 30


def existing(path: str | Path, setting: str = "the path") -> Path:
    """Return `path`; InputError unless it is a file. `setting` is what names it, for the message."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder", "a file", f"correct {setting}")
    if not path.exists():
        raise InputError(
            f"no file at {path}", "an existing, readable file", f"correct {setting}"
        )
    return path


@contextmanager
def open_text(
    path: str | Path, setting: str = "the path", *, keep_mark: bool = False
) -> Iterator[IO[bytes]]:
    """Open a text file as bytes: unpacked where it is gzip or bgzip, whatever its name, and without byte-order mark.

    With `keep_mark` the mark stays.

    Raises
    ------
    InputError
        If the file is missing, cut off, not to be read, or no UTF-8 text by its first bytes; while it is open also
        where the text is found to be in another encoding.
    """
    path = existing(path, setting)
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == _GZIP
            opened = gzip.GzipFile(fileobj=raw) if packed else raw
            text = io.BufferedReader(opened)
            head = text.peek(8)
            _check_head(head, path, setting)
            if head.startswith(_MARK) and not keep_mark:
                text.read(len(_MARK))
            yield text
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path} is cut off or damaged: {error}",
            "a whole file, compressed by gzip or not at all",
            f"copy or download it again, or correct {setting}",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8: {error.reason} {error.object[error.start : error.start + 1]!r}",
            "text in UTF-8",
            f"save it as UTF-8 (in Excel: CSV UTF-8), or correct {setting}",
        ) from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}",
            "a readable file",
            f"check its rights, or correct {setting}",
        ) from error


def read_text(path: str | Path, setting: str = "the path") -> str:
    r"""Read a whole text file, as `open_text` does, with \n at the end of every line.

    Raises
    ------
    InputError
        As `open_text`; also if it has NUL bytes, or unpacks to more than 2 GiB.
    """
    with open_text(path, setting) as handle:
        content = handle.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise InputError(
                f"{path} has more than {_LARGEST >> 20:,} MiB of text",
                "a table",
                f"correct {setting}",
            )
        _check_encoding(content, path, setting)
        text = content.decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: str | Path, setting: str) -> list[tuple[int, str]]:
    """Numbers (from 1) and text of the lines that are neither blank nor begin with #; InputError if there is none."""
    lines = enumerate(read_text(path, setting).split("\n"), start=1)
    found = [
        (number, line.strip())
        for number, line in lines
        if line.strip() and not line.startswith("#")
    ]
    if not found:
        raise _empty(path, setting)
    return found


def read_rows(
    path: str | Path,
    setting: str,
    *,
    separator: str | None = None,
    comments: tuple[str, ...] = COMMENTS,
    pad: bool = False,
    row_names: bool = False,
) -> pd.DataFrame:
    """Read a table as text, every line of it: columns are numbered, the index `line` says where a row stands.

    Blank lines are left out, and those that begin with one of `comments`. Spaces around a cell are no part of it.
    Words such as NA are text. Empty columns at the right are left out.

    Parameters
    ----------
    separator
        By default a comma where the name has .csv, else a tab.
    pad
        Whether a line may lack its last, empty cells.
    row_names
        Whether the first line may lack the field above the names of rows, as R writes it: the field is empty then.

    Raises
    ------
    InputError
        As `read_text`; also if the table is empty, or lines differ in their number of fields.
    """
    separator = separator or separator_of(path)
    lines, rows = _split(path, setting, separator, comments, row_names)
    width = len(rows[0])
    for line, row in zip(lines, rows, strict=True):
        if pad:
            row.extend([""] * (width - len(row)))
        # more fields than the first line are none if they are empty
        del row[max(width, _filled(row)) :]
        _check_width(path, line, row, width, setting)
    return _as_frame(lines, rows)


def read_frame(
    path: str | Path,
    setting: str,
    *,
    separator: str | None = None,
    comments: tuple[str, ...] = COMMENTS,
    pad: bool = False,
) -> pd.DataFrame:
    """Read a table with a header, as text: as `read_rows`, or a Parquet file (index `row`).

    Raises
    ------
    InputError
        As `read_rows` and `name_columns`.
    """
    if Path(path).suffix == ".parquet":
        return _read_parquet(path, setting)
    rows = read_rows(path, setting, separator=separator, comments=comments, pad=pad)
    return name_columns(rows, path, setting)


def name_columns(rows: pd.DataFrame, path: str | Path, setting: str) -> pd.DataFrame:
    """Take the first line of `read_rows` as header; InputError if it is alone, or a name stands in it twice."""
    header = rows.iloc[0].to_list()
    _check_header(header, path, setting)
    if len(rows) == 1:
        raise InputError(
            f"{path} has a header line and no row",
            "at least one row below the header",
            f"fill the table, or correct {setting}",
        )
    return rows.iloc[1:].set_axis(header, axis=1)


def separator_of(path: str | Path) -> str:
    """A comma where the file's name has .csv, else a tab."""
    return "," if ".csv" in Path(path).suffixes else "\t"


def separator_hint(fields: list[str]) -> str:
    """How to mend a table of one field a line that another character separates than its name says; "" if none does."""
    names = {";": "semicolons", ",": "commas", "\t": "tabs", " ": "spaces"}
    for separator, name in names.items():
        if len(fields) == 1 and separator in fields[0].strip():
            return f"it is separated by {name}: save it with commas as .csv, or with tabs as .tsv"
    return ""


def check_rectangle(text: str, separator: str, path: str | Path, setting: str) -> None:
    """Raise InputError unless all lines of a table have as many fields as the first, in which no name stands twice.

    Blank lines are left out.
    """
    width = None
    for line, row in _records(text, separator, path, setting):
        if width is None:
            _check_header(row, path, setting)
        width = width or len(row)
        _check_width(path, line, row, width, setting)
    if width is None:
        raise _empty(path, setting)


def as_numbers(column: pd.Series, path: str | Path, setting: str) -> pd.Series:
    """Numbers (float) of a column of `read_frame` or `read_rows`; NaN where a word stands for a missing one.

    Raises
    ------
    InputError
        If a cell is another word, or infinite.
    """
    import numpy as np
    import pandas as pd

    text = column.astype(object)
    missing = text.isin(MISSING_NUMBERS)
    found = pd.to_numeric(text.where(~missing), errors="coerce").astype(float)
    wrong = ~missing & ~np.isfinite(found)
    refuse(column, wrong, "a number", path, setting)
    return found


def as_whole(column: pd.Series, path: str | Path, setting: str) -> pd.Series:
    """As `as_numbers`, of whole numbers: 1.5 is refused, and what float64 cannot tell apart."""
    found = as_numbers(column, path, setting)
    wrong = found.notna() & ((found % 1 != 0) | (found.abs() > 2**53))
    refuse(column, wrong, "a whole number", path, setting)
    return found


def as_positions(column: pd.Series, path: str | Path, setting: str) -> pd.Series:
    """As `as_whole`, int64, from 0 to 2**40, which is beyond every chromosome; none may be missing."""
    found = as_whole(column, path, setting)
    wrong = ~((found >= 0) & (found <= _LAST))
    refuse(column, wrong, "a position on a chromosome, in bp", path, setting)
    return found.astype("int64")


def as_flags(column: pd.Series, path: str | Path, setting: str) -> pd.Series:
    """Truth values of a column; a missing one is not set.

    Raises
    ------
    InputError
        If a cell is neither missing nor one of TRUE, FALSE, T, F, yes, no, 1, 0 (capital or not).
    """
    text = column.astype(object)
    missing = text.isin(MISSING_NUMBERS)
    found = text.where(~missing, "false").str.lower().map(_FLAGS)
    expected = "TRUE or FALSE (T, F, yes, no, 1, 0; empty or NA: not set)"
    refuse(column, found.isna(), expected, path, setting)
    return found.astype(bool)


def refuse(
    column: pd.Series, wrong: Any, expected: str, path: str | Path, setting: str
) -> None:
    """Raise InputError with place and text of the first cell that is `wrong` (booleans, a cell each), if any is."""
    cells = column[wrong]
    if len(cells):
        others = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
        name = column.name + 1 if isinstance(column.name, int) else repr(column.name)
        raise InputError(
            f"{path} {column.index.name or 'row'} {cells.index[0]}{others}, column {name}: {cells.iloc[0]!r}",
            expected,
            f"correct the table, or {setting}",
        )


def _check_head(head: bytes, path: Path, setting: str) -> None:
    for magic, (kind, wanted) in _OTHERS.items():
        if head.startswith(magic):
            raise InputError(
                f"{path} is {kind}",
                "text in UTF-8",
                f"save it as {wanted}, or correct {setting}",
            )


def _check_encoding(content: bytes, path: str | Path, setting: str) -> None:
    try:
        content.decode("utf-8")
        line = content[: content.find(b"\0")].count(b"\n") + 1
        found = f"line {line} has a NUL byte" if b"\0" in content else ""
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found = f"line {line} is not UTF-8 (byte {content[error.start]:#x})"
    if found:
        raise InputError(
            f"{path}: {found}",
            "text in UTF-8",
            f"save it as UTF-8 (in Excel: CSV UTF-8), or correct {setting}",
        )


def _records(
    text: str, separator: str, path: str | Path, setting: str
) -> Iterator[tuple[int, list[str]]]:
    """Line and fields of each line that is not blank, quotes taken off; a quoted field may have several lines."""
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path} line {line}: {error}",
            f'fields separated by {separator!r}, of which those that begin with " also end with it',
            f"correct the quotes, or {setting}",
        ) from error


def _split(
    path: str | Path,
    setting: str,
    separator: str,
    comments: tuple[str, ...],
    row_names: bool,
) -> tuple[list[int], list[list[str]]]:
    """Line numbers and stripped fields, without blank rows and without what is empty at the right of the first row."""
    text = read_text(path, setting)
    if comments:
        # blank in place of gone: lines keep their numbers
        kept = ("" if line.startswith(comments) else line for line in text.split("\n"))
        text = "\n".join(kept)

    lines, rows = [], []
    for line, row in _records(text, separator, path, setting):
        stripped = [cell.strip() for cell in row]
        if any(stripped):
            lines.append(line)
            rows.append(stripped)
    if not rows:
        raise _empty(path, setting)

    if row_names and {len(row) for row in rows[1:]} == {len(rows[0]) + 1}:
        rows[0].insert(0, "")
    # columns of a spreadsheet that were never filled
    width = max(_filled(row) for row in rows)
    del rows[0][width:]
    return lines, rows


def _filled(row: list[str]) -> int:
    """Fields up to the last that is not empty."""
    filled = len(row)
    while filled and not row[filled - 1]:
        filled -= 1
    return filled


def _check_header(header: list[str], path: str | Path, setting: str) -> None:
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        raise InputError(
            f"{path}: the column {repeated[0]!r} stands twice in the header",
            "one column a name",
            f"rename or delete one, or correct {setting}",
        )


def _check_width(
    path: str | Path, line: int, row: list[str], width: int, setting: str
) -> None:
    if len(row) == width:
        return
    names = "; R's row names? write.table(row.names = FALSE)"
    raise InputError(
        f"{path} line {line} has {len(row)} fields, the first line {width}",
        f"as many fields in every line{names * (len(row) == width + 1)}",
        f"correct the line, or {setting}",
    )


def _as_frame(lines: list[int], rows: list[list[str]]) -> pd.DataFrame:
    import pandas as pd

    index = pd.Index(lines, name="line")
    return pd.DataFrame(rows, index=index, dtype=object)


def _read_parquet(path: str | Path, setting: str) -> pd.DataFrame:
    frame = read_parquet(path, setting).reset_index(drop=True)
    frame.columns = frame.columns.map(str)
    for name, column in frame.items():
        if _is_whole(column):
            frame[name] = column.map(str)
        else:
            frame[name] = [
                cell.strip()
                if isinstance(cell, str)
                else _plain(cell, path, str(name), setting)
                for cell in column
            ]
    return frame.rename(index=lambda row: row + 1).rename_axis(index="row")


def read_parquet(
    path: str | Path, setting: str = "the path", columns: list[str] | None = None
) -> pd.DataFrame:
    """Read a Parquet file, of `columns` those that it has; InputError if it is none, or cut off."""
    import pandas as pd
    import pyarrow.parquet as pq

    path = existing(path, setting)
    try:
        if columns is not None:
            present = pq.read_schema(path).names
            columns = [column for column in columns if column in present]
        return pd.read_parquet(path, columns=columns)
    # a damaged file may raise whatever its reader trips over
    except Exception as error:
        raise InputError(
            f"{path} cannot be read as Parquet: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            "a whole Parquet file",
            f"copy or write it again, or correct {setting}",
        ) from error


def _is_whole(column: pd.Series) -> bool:
    """Whether a column is of whole numbers or flags, of which none is missing."""
    import numpy as np

    return isinstance(column.dtype, np.dtype) and column.dtype.kind in "biu"


def _plain(cell: Any, path: str | Path, name: str, setting: str) -> str:
    """A cell of a Parquet file, no text, as the text that it would have in a TSV."""
    import pandas as pd

    if cell is None:
        return ""
    if not pd.api.types.is_scalar(cell) or isinstance(cell, bytes):
        raise InputError(
            f"{path} column {name!r} holds {type(cell).__name__}",
            "text or numbers",
            f"correct the table, or {setting}",
        )
    return "" if pd.isna(cell) else str(cell)


def _empty(path: str | Path, setting: str) -> InputError:
    return InputError(
        f"{path} is empty", "at least one line", f"fill the file, or correct {setting}"
    )
