"""One pass over a fragments file: check its form, and count what each barcode has."""

from __future__ import annotations

import codecs
import logging
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import open_text

log = logging.getLogger(__name__)

COLUMNS = ["chrom", "start", "end", "barcode", "reads"]
_BLOCK_BYTES = 16 << 20  # text in memory at a time
_LONGEST = 1 << 20  # bytes of a line
# Fragments shorter than a nucleosome's 147 bp lie between nucleosomes, those up to twice as long span one.
NUCLEOSOME = 147
_SETTING = "the fragments in the sample sheet"
_EXPECTED = "10x fragments: chrom, start, end, barcode, reads, tab-separated, one fragment a line"
_SORT = "sort it: zcat fragments.tsv.gz | grep -v ^# | sort -k1,1 -k2,2n | bgzip > sorted.tsv.gz"


def scan_fragments(
    path: str | Path, chromosomes: set[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a fragments file once, in blocks; memory grows with the barcodes, not with the fragments.

    Parameters
    ----------
    path
        10x' fragments, plain or compressed by gzip or bgzip; comment lines at its head are skipped.
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
        If the file has fewer than five columns, no fragments, text in place of positions, ends not after starts, is
        not sorted, or cannot be decompressed.
    """
    import pyarrow as pa

    path = Path(path)
    n_comments, n_columns = _read_head(path)
    totals = _Totals()
    order = _Order(path, n_comments)
    try:
        with open_text(path, _SETTING) as text:
            for batch in _open(text, n_comments, n_columns):
                chrom, barcode = batch.column(0), batch.column(3)
                names, codes = chrom.dictionary.to_pylist(), chrom.indices.to_numpy()
                barcodes = barcode.dictionary.to_pylist()
                _check_fields(batch, path, order.lines)
                start, end, reads = (batch.column(i).to_numpy() for i in (1, 2, 4))
                order.check(names, codes, start, end)

                # Scaffolds without genes do not count for a barcode's quality.
                known = np.array([name in chromosomes for name in names])[codes]
                of_barcode = barcode.indices.to_numpy()[known]
                totals.add(barcodes, of_barcode, reads[known], (end - start)[known])
    except pa.ArrowInvalid as error:
        raise InputError(
            f"{path}: {error}",
            _EXPECTED,
            "write the file again; it may have been truncated",
        ) from error

    rows = [(chrom, *counted) for chrom, counted in order.seen.items()]
    found = pd.DataFrame(rows, columns=["chrom", "fragments", "length"])
    counted = totals.table()
    log.info(
        "%s: %d fragments of %d barcodes", path, found["fragments"].sum(), len(counted)
    )
    return counted[counted["n_fragments"] > 0].reset_index(drop=True), found


class _Totals:
    """Sums by barcode over the blocks read so far."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}  # of each barcode, in order of appearance
        # fragments, reads, short, spanning one nucleosome
        self.sums = np.zeros((4, 0), dtype=np.int64)

    def add(
        self,
        names: list[str],
        codes: np.ndarray,
        reads: np.ndarray,
        length: np.ndarray,
    ) -> None:
        """Count fragments of a block, whose barcodes are `codes` into `names`."""
        # Each block has its dictionary of barcodes: their numbers here are the same in all blocks.
        numbers = [self.number.setdefault(name, len(self.number)) for name in names]
        barcode = np.array(numbers, dtype=np.int64)[codes]
        n = len(self.number)

        short = length < NUCLEOSOME
        spanning = ~short & (length < 2 * NUCLEOSOME)
        counts = [
            np.bincount(barcode, minlength=n),
            np.bincount(barcode, weights=reads, minlength=n).astype(np.int64),
            np.bincount(barcode[short], minlength=n),
            np.bincount(barcode[spanning], minlength=n),
        ]
        grown = np.stack(counts)
        grown[:, : self.sums.shape[1]] += self.sums
        self.sums = grown

    def table(self) -> pd.DataFrame:
        """Contract `fragment_barcodes`, with barcodes that have no fragment on the counted chromosomes."""
        frame = pd.DataFrame(
            self.sums.T, columns=["n_fragments", "n_reads", "n_short", "n_spanning"]
        )
        frame.insert(0, "barcode", list(self.number))
        return frame


class _Order:
    """Checks that fragments are sorted by chromosome and start, and counts those of each chromosome."""

    def __init__(self, path: Path, lines: int) -> None:
        self.path = path
        self.lines = lines  # read so far
        # chromosome -> fragments, largest end
        self.seen: dict[str, tuple[int, int]] = {}
        self.chrom, self.start = "", 0  # of the last fragment

    def check(
        self,
        names: list[str],
        codes: np.ndarray,
        start: np.ndarray,
        end: np.ndarray,
    ) -> None:
        """Raise InputError if the fragments of a block are not sorted or have no length."""
        wrong = np.flatnonzero((start < 0) | (end <= start))
        if len(wrong):
            first = wrong[0]
            raise InputError(
                f"{self.path} line {self.lines + first + 1}: a fragment from {start[first]} to {end[first]}",
                "0-based starts, and ends after them",
                "write the file again",
            )

        # One run of lines a chromosome, if the file is sorted.
        bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1), len(codes)]
        for first, past in pairwise(bounds):
            chrom = names[codes[first]]
            if chrom != self.chrom:
                if chrom in self.seen:
                    before = f"{self.chrom}, though {chrom} has stood before"
                    raise self._unsorted(first, chrom, start[first], before)
                self.seen[chrom] = (0, 0)
                self.chrom, self.start = chrom, 0

            back = np.flatnonzero(np.diff(start[first:past], prepend=self.start) < 0)
            if len(back):
                line = first + back[0]
                raise self._unsorted(line, chrom, start[line], "a later position")

            # Starts are sorted, ends are not.
            n, largest = self.seen[chrom]
            furthest = int(end[first:past].max())
            self.seen[chrom] = (n + int(past - first), max(largest, furthest))
            self.start = start[past - 1]
        self.lines += len(codes)

    def _unsorted(
        self,
        line: int,
        chrom: str,
        start: int,
        before: str,
    ) -> InputError:
        return InputError(
            f"{self.path}: fragments are not sorted: {chrom}:{start} on line {self.lines + line + 1} "
            f"comes after {before}",
            "fragments sorted by chromosome and start",
            _SORT,
        )


def _check_fields(batch: Any, path: Path, lines: int) -> None:
    """Raise InputError if a field of a block is missing, a name has a NUL byte, or a number of reads is negative."""
    for number, name in enumerate(COLUMNS):
        column = batch.column(number)
        wrong = np.asarray(column.is_null())
        if name in ("chrom", "barcode"):
            bad = [text == "" or "\0" in text for text in column.dictionary.to_pylist()]
            wrong = np.array(bad)[column.indices.to_numpy()]
        elif name == "reads" and not wrong.any():
            wrong = column.to_numpy() < 0

        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"{path} line {lines + first + 1}: {name} {column[first].as_py()!r}",
                "a name without NUL bytes, and numbers from 0, in all five columns",
                "write the file again; where the reads are not known, write 1",
            )


def _open(text: IO[bytes], n_comments: int, n_columns: int) -> Any:
    """The file's blocks as Arrow record batches of COLUMNS."""
    import pyarrow as pa
    import pyarrow.csv as pc

    # Some tools append columns: they must be named, but are not converted.
    further = [f"more_{number}" for number in range(n_columns - len(COLUMNS))]
    # As dictionaries, a name is stored once a block.
    name = pa.dictionary(pa.int32(), pa.string())
    types = dict.fromkeys(COLUMNS, pa.int64()) | {"chrom": name, "barcode": name}
    return pc.open_csv(
        text,
        read_options=pc.ReadOptions(
            use_threads=False,
            block_size=_BLOCK_BYTES,
            skip_rows=n_comments,
            column_names=COLUMNS + further,
        ),
        parse_options=pc.ParseOptions(
            delimiter="\t", quote_char=False, ignore_empty_lines=False
        ),
        convert_options=pc.ConvertOptions(column_types=types, include_columns=COLUMNS),
    )


def _read_head(path: Path) -> tuple[int, int]:
    """How many lines of comment stand at the head, and how many columns the line after them has."""
    # SnapATAC2 reads the file, too: it loses a fragment by a mark, and stops at lone carriage returns.
    _check_start(path)
    with open_text(path, _SETTING) as text:
        comments = 0
        # a line of a binary file may be as long as the file
        for raw in iter(lambda: text.readline(_LONGEST), b""):
            if not raw.startswith(b"#"):
                line = raw.decode("utf-8")
                break
            comments += 1
        else:
            raise InputError(
                f"{path}: no fragments",
                _EXPECTED,
                "give another file",
            )

    n_columns = len(line.rstrip("\n").split("\t"))
    if n_columns < len(COLUMNS):
        raise InputError(
            f"{path}: {n_columns} tab-separated columns, first line {line.rstrip()[:80]!r}",
            _EXPECTED,
            "give the fragments as Cell Ranger or SnapATAC2 write them; where the reads are not known, write 1",
        )
    return comments, n_columns


def _check_start(path: Path) -> None:
    """Raise InputError if the text begins with a byte-order mark, or lines end with a carriage return alone."""
    with open_text(path, _SETTING, keep_mark=True) as text:
        start = text.read(_LONGEST)
    has_mark = start.startswith(codecs.BOM_UTF8)
    if has_mark or b"\r" in start.replace(b"\r\n", b""):
        raise InputError(
            f"{path} "
            + (
                "begins with a byte-order mark"
                if has_mark
                else "has lone carriage returns"
            ),
            f"{_EXPECTED}; lines that end with \\n, and no byte-order mark",
            "write the file as Cell Ranger does: as UTF-8 without mark, with line ends of Unix",
        )
