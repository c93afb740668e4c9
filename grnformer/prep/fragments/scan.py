"""One pass over a fragments file: is it what it says, and what does each barcode have?"""

from __future__ import annotations

import dataclasses
import gzip
import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

log = logging.getLogger("grnformer.prep")

COLUMNS = ["chrom", "start", "end", "barcode", "reads"]
_BLOCK_BYTES = 16 << 20  # text held at a time
# Fragments shorter than a nucleosome's 147 bp lie between nucleosomes, those up to twice as long span one.
NUCLEOSOME = 147
_EXPECTED = "10x fragments: chrom, start, end, barcode, reads, tab-separated, one fragment a line"
_SORT = (
    "sort it and index it anew: zcat fragments.tsv.gz | grep -v ^# | sort -k1,1 -k2,2n | bgzip > sorted.tsv.gz; "
    "tabix -p bed sorted.tsv.gz"
)


@dataclasses.dataclass
class _Totals:
    """Sums by barcode over the blocks read so far."""

    index: dict[str, int]
    sums: np.ndarray  # (4, barcodes): fragments, reads, short, spanning one nucleosome

    def add(self, names: list[str], codes: np.ndarray, reads: np.ndarray, length: np.ndarray) -> None:
        number = np.array([self.index.setdefault(name, len(self.index)) for name in names], dtype=np.int64)[codes]
        n = len(self.index)
        grown = np.zeros((4, n), dtype=np.int64)
        grown[:, : self.sums.shape[1]] = self.sums
        short, spanning = length < NUCLEOSOME, (length >= NUCLEOSOME) & (length < 2 * NUCLEOSOME)
        grown[0] += np.bincount(number, minlength=n)
        grown[1] += np.bincount(number, weights=reads, minlength=n).astype(np.int64)
        grown[2] += np.bincount(number[short], minlength=n)
        grown[3] += np.bincount(number[spanning], minlength=n)
        self.sums = grown


@dataclasses.dataclass
class _Order:
    """Whether lines come by chromosome and position."""

    seen: dict[str, tuple[int, int]]  # chromosome -> fragments, largest end
    last: tuple[str, int]
    lines: int

    def check(self, names: list[str], codes: np.ndarray, start: np.ndarray, end: np.ndarray, path: Path) -> None:
        bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1), len(codes)]
        for first, past in pairwise(bounds):
            chrom = names[codes[first]]
            again = chrom in self.seen and chrom != self.last[0]
            before = self.last[1] if chrom == self.last[0] else 0
            back = np.flatnonzero(np.diff(start[first:past], prepend=before) < 0)
            if again or len(back):
                line = self.lines + first + (0 if again else int(back[0])) + 1
                raise InputError(
                    f"{path}: fragments are not sorted: {chrom}:{start[line - self.lines - 1]} on line {line} "
                    "comes after "
                    + (f"{self.last[0]}, though {chrom} has stood before" if again else "a later position"),
                    "fragments sorted by chromosome and start",
                    _SORT,
                )
            n, largest = self.seen.get(chrom, (0, 0))
            self.seen[chrom] = (n + int(past - first), max(largest, int(end[first:past].max())))
            self.last = (chrom, int(start[past - 1]))
        self.lines += len(codes)


def scan_fragments(path: str | Path, chromosomes: set[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a fragments file once, in blocks; memory grows with the barcodes, not with the fragments.

    Parameters
    ----------
    path
        10x' fragments, plain or compressed by gzip or bgzip; lines of comment at its head are passed over.
    chromosomes
        Chromosomes whose fragments are counted for the barcodes.

    Returns
    -------
    barcodes, chromosomes
        Contracts `fragment_barcodes` (in order of appearance) and `fragment_chromosomes` (of all chromosomes in the
        file; ``length`` is the largest end).

    Raises
    ------
    InputError
        If the file has fewer than five columns, no fragments, something other than numbers where positions stand,
        ends not after starts, is not sorted, or cannot be decompressed.
    """
    import pyarrow as pa

    path = Path(path)
    totals = _Totals({}, np.zeros((4, 0), dtype=np.int64))
    comments = _head(path)[0]
    order = _Order({}, ("", 0), comments)
    try:
        for batch in _open(path, comments):
            chrom, barcode = batch.column(0), batch.column(3)
            start, end, reads = (batch.column(i).to_numpy() for i in (1, 2, 4))
            _check_ends(start, end, path, order.lines)
            names, codes = chrom.dictionary.to_pylist(), chrom.indices.to_numpy()
            order.check(names, codes, start, end, path)
            known = np.array([name in chromosomes for name in names])[codes]
            own = barcode.indices.to_numpy()[known]
            totals.add(barcode.dictionary.to_pylist(), own, reads[known], (end - start)[known])
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path}: {error}", _EXPECTED, "write the file again; it may have been cut off on its way"
        ) from error
    if not order.seen:
        raise InputError(f"{path}: no fragments", _EXPECTED, "give another file")
    frame = pd.DataFrame(totals.sums.T, columns=["n_fragments", "n_reads", "n_short", "n_spanning"])
    frame.insert(0, "barcode", list(totals.index))
    log.info("%s: %d fragments of %d barcodes", path, order.lines - comments, len(frame))
    rows: list[dict[str, Any]] = [{"chrom": c, "fragments": n, "length": end} for c, (n, end) in order.seen.items()]
    return frame[frame["n_fragments"] > 0].reset_index(drop=True), pd.DataFrame(rows)


def _open(path: Path, comments: int) -> Any:
    """The file's blocks as Arrow record batches of COLUMNS."""
    import pyarrow as pa
    import pyarrow.csv as pc

    names = [*COLUMNS, *(f"more_{i}" for i in range(_count_columns(path) - len(COLUMNS)))]
    text = pa.dictionary(pa.int32(), pa.string())
    types = {"chrom": text, "barcode": text} | dict.fromkeys(("start", "end", "reads"), pa.int64())
    return pc.open_csv(
        str(path),
        read_options=pc.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, skip_rows=comments, column_names=names),
        parse_options=pc.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=pc.ConvertOptions(column_types=types, include_columns=COLUMNS),
    )


def _head(path: Path) -> tuple[int, str]:
    """How many lines of comment stand at the head, and the line that follows them."""
    opened = gzip.open if path.suffix in (".gz", ".bgz") else open
    try:
        with opened(path, "rt", encoding="utf-8") as handle:
            for number, line in enumerate(handle):
                if not line.startswith("#"):
                    return number, line
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", _EXPECTED, "check the file") from error
    raise InputError(f"{path}: no fragments", _EXPECTED, "give another file")


def _count_columns(path: Path) -> int:
    line = _head(path)[1]
    fields = line.rstrip("\n").split("\t")
    if len(fields) < len(COLUMNS):
        raise InputError(
            f"{path}: {len(fields)} tab-separated columns, first line {line.rstrip()[:80]!r}",
            _EXPECTED,
            "give the fragments as Cell Ranger or SnapATAC2 write them; where the reads are not known, write 1",
        )
    return len(fields)


def _check_ends(start: np.ndarray, end: np.ndarray, path: Path, lines: int) -> None:
    wrong = np.flatnonzero((start < 0) | (end <= start))
    if len(wrong):
        at = int(wrong[0])
        raise InputError(
            f"{path} line {lines + at + 1}: a fragment from {start[at]} to {end[at]}",
            "0-based starts, and ends after them",
            "write the file again",
        )
