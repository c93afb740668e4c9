"""Count matrices as text (CSV or TSV), read in blocks into sparse matrices."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.core.text import open_text, separator_hint, separator_of

_BLOCK_BYTES = 16 << 20  # text in memory at a time
_MAX_FIELD = 1 << 24  # bytes
_SETTING = "the sample sheet"
_REMEDY = "correct the file; comma-separated as .csv, tab-separated as .tsv or .txt"


def read_text_matrix(path: str | Path) -> tuple[sp.csr_matrix, list[str], list[str]]:
    """Read a matrix with row names in the first column and column names in the first line.

    Returns
    -------
    matrix
        CSR, rows x columns as in the file, float64, which holds every count exactly.
    rows, columns
        Names.

    Raises
    ------
    InputError
        If the file is empty, ragged, or holds something other than numbers.
    """
    import pyarrow as pa
    import pyarrow.csv as pc

    path = Path(path)
    separator = separator_of(path)
    header, first = _first_lines(path, separator)
    # R writes no field above the row names.
    columns = header if len(header) == len(first) - 1 else header[1:]

    # Columns are read by number: names in the file may repeat.
    fields = [str(number) for number in range(len(columns) + 1)]
    types = dict.fromkeys(fields, pa.float64()) | {"0": pa.string()}
    # A block must hold a whole line: twice the header, and room for long numbers.
    line_bytes = 2 * len(separator.join(header)) + 16 * len(header)
    block_size = max(_BLOCK_BYTES, line_bytes)

    rows: list[str] = []
    blocks: list[sp.csr_matrix] = []
    try:
        with open_text(path, _SETTING) as text:
            reader = pc.open_csv(
                text,
                read_options=pc.ReadOptions(
                    use_threads=False,
                    block_size=block_size,
                    skip_rows=1,
                    column_names=fields,
                ),
                parse_options=pc.ParseOptions(delimiter=separator),
                convert_options=pc.ConvertOptions(column_types=types),
            )
            for batch in reader:
                names, *values = batch.columns
                rows += names.to_pylist()
                # lines of the block x columns: only a block at a time is dense
                dense = np.column_stack(
                    [column.to_numpy(zero_copy_only=False) for column in values]
                )
                blocks.append(sp.csr_matrix(dense))
    except pa.ArrowInvalid as error:
        is_encoding = "UTF8" in str(error)
        raise InputError(
            f"{path}: {'not UTF-8' if is_encoding else error}",
            "a matrix of numbers with row names in the first column and column names in the first line",
            "save it as UTF-8" if is_encoding else _REMEDY,
        ) from error

    broken = [name for name in (*columns, *rows) if "\0" in name]
    if broken:
        raise InputError(
            f"{path}: the name {broken[0]!r} has a NUL byte",
            "text in UTF-8",
            "write the file again, as UTF-8",
        )
    return sp.vstack(blocks, format="csr"), rows, columns


def _first_lines(path: Path, separator: str) -> tuple[list[str], list[str]]:
    with open_text(path, _SETTING) as text:
        handle = io.TextIOWrapper(text, encoding="utf-8", newline="")
        # a line that another character separates is one long field, and the limit is that of the whole process
        usual = csv.field_size_limit(_MAX_FIELD)
        try:
            lines = csv.reader(handle, delimiter=separator)
            header, first = next(lines, []), next(lines, [])
        finally:
            csv.field_size_limit(usual)

    if len(first) < 2:
        raise InputError(
            f"{path}: {'one field a line' if first else 'no line of counts'}",
            f"fields separated by {separator!r}: row names in the first column, column names in the first line",
            separator_hint(first) or _REMEDY,
        )
    if len(header) < 2:
        raise InputError(
            f"{path}: a first line of one field",
            f"fields separated by {separator!r}",
            separator_hint(header) or _REMEDY,
        )
    return header, first
