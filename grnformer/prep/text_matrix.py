"""Count matrices written as text (CSV or TSV), read in chunks into sparse matrices."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from grnformer.core.errors import InputError

_BLOCK_BYTES = 16 << 20  # text held at a time


def read_text_matrix(path: str | Path) -> tuple[sp.csr_matrix, list[str], list[str]]:
    """Read a matrix with row names in the first column and column names in the first line.

    Returns
    -------
    matrix
        CSR, rows x columns as in the file, float32 (exact for counts below 2**24).
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
    separator = "," if ".csv" in path.suffixes else "\t"
    header, first = _first_lines(path, separator)
    columns = header if len(header) == len(first) - 1 else header[1:]  # R leaves the corner out
    fields = [str(i) for i in range(len(columns) + 1)]
    types = {name: pa.float32() for name in fields[1:]} | {"0": pa.string()}
    line_bytes = 2 * sum(len(name) + 1 for name in header) + 16 * len(header)
    rows: list[str] = []
    blocks: list[sp.csr_matrix] = []
    try:
        reader = pc.open_csv(
            str(path),
            read_options=pc.ReadOptions(
                use_threads=False, block_size=max(_BLOCK_BYTES, line_bytes), skip_rows=1, column_names=fields
            ),
            parse_options=pc.ParseOptions(delimiter=separator),
            convert_options=pc.ConvertOptions(column_types=types),
        )
        for batch in reader:
            rows += batch.column(0).to_pylist()
            values = [batch.column(i).to_numpy(zero_copy_only=False) for i in range(1, len(fields))]
            blocks.append(sp.csr_matrix(np.column_stack(values)))
    except pa.ArrowInvalid as error:
        raise InputError(
            f"{path}: {error}",
            "a matrix of numbers with row names in the first column and column names in the first line",
            "correct the file; comma-separated as .csv, tab-separated as .tsv or .txt",
        ) from error
    return sp.vstack(blocks, format="csr"), rows, columns


def _first_lines(path: Path, separator: str) -> tuple[list[str], list[str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", newline="", encoding="utf-8") as handle:
        csv.field_size_limit(1 << 24)
        lines = csv.reader(handle, delimiter=separator)
        header, first = next(lines, []), next(lines, [])
    if len(first) < 2:
        raise InputError(
            f"{path}: {'no line of counts' if not first else 'one field a line'}",
            f"fields separated by {separator!r}: row names in the first column, column names in the first line",
            "correct the file; comma-separated as .csv, tab-separated as .tsv or .txt",
        )
    return header, first
