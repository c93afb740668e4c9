"""The interval search: which intervals of one table overlap which of another.

Tables have the columns chrom, start, end: 0-based, end exclusive, bp.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def find_overlaps(left: pd.DataFrame, right: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Find all pairs of intervals that share a base.

    Returns
    -------
    Positions in `left` and in `right`, one pair each, sorted by the first and then the second.
    """
    both = pd.concat([table[["chrom", "start", "end"]] for table in (left, right)])
    start, end = both["start"].to_numpy(), both["end"].to_numpy()

    # One axis for all chromosomes, end to end: the longest extent apart, no interval reaches the next chromosome.
    chromosome = pd.factorize(both["chrom"])[0]
    offset = chromosome * (end.max(initial=0) - start.min(initial=0))
    start, end = start + offset, end + offset

    ours, theirs = slice(len(left)), slice(len(left), None)
    order = np.argsort(start[theirs], kind="stable")
    start_sorted, end_sorted = start[theirs][order], end[theirs][order]

    # An interval's partners start before its end. Those before which nothing reaches its start are skipped: the
    # furthest end so far is sorted where the ends are not.
    first = np.searchsorted(np.maximum.accumulate(end_sorted), start[ours], side="right")
    last = np.searchsorted(start_sorted, end[ours], side="left")
    i, j = _expand(first, last)

    hit = end_sorted[j] > start[ours][i]
    i, j = i[hit], order[j[hit]]
    sort = np.lexsort((j, i))
    return i[sort], j[sort]


def overlaps_any(left: pd.DataFrame, right: pd.DataFrame) -> np.ndarray:
    """Which intervals of `left` share a base with one of `right`; boolean."""
    hit = np.zeros(len(left), dtype=bool)
    hit[find_overlaps(left, right)[0]] = True
    return hit


def tss_intervals(tss: pd.DataFrame, margin: int = 0) -> pd.DataFrame:
    """Intervals of the transcription start sites (contract tss), with `margin` bp on both sides."""
    return pd.DataFrame({"chrom": tss["chrom"], "start": tss["tss"] - margin, "end": tss["tss"] + 1 + margin})


def holds_tss(regions: pd.DataFrame, tss: pd.DataFrame, margin: int = 0, shift: int = 0) -> np.ndarray:
    """Which regions, moved by `shift` bp, hold a TSS or lie within `margin` bp of one; boolean."""
    return overlaps_any(regions, tss_intervals(tss.assign(tss=tss["tss"] - shift), margin))


def _expand(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All (i, j) with first[i] <= j < last[i]."""
    size = np.maximum(last - first, 0)
    i = np.repeat(np.arange(len(size)), size)
    begin = np.cumsum(size) - size
    return i, np.arange(len(i)) + (first - begin)[i]
