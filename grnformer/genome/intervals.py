"""The interval search: which intervals of one table overlap which of another.

Tables have the columns chrom, start, end: 0-based, end exclusive, bp.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def find_overlaps(
    left: pd.DataFrame, right: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Find all pairs of intervals that share a base.

    Returns
    -------
    Positions in `left` and in `right`, one pair each, sorted by the first and then the second.
    """
    columns = ["chrom", "start", "end"]
    both = pd.concat([left[columns], right[columns]])
    start = both["start"].to_numpy()
    end = both["end"].to_numpy()

    # One axis for all chromosomes, end to end: the longest extent apart, no interval reaches the next chromosome.
    chromosome, _ = pd.factorize(both["chrom"])
    extent = end.max(initial=0) - start.min(initial=0)
    start = start + chromosome * extent
    end = end + chromosome * extent

    n_left = len(left)
    left_start = start[:n_left]
    left_end = end[:n_left]

    # an interval's partners start before its end
    order = np.argsort(start[n_left:], kind="stable")
    right_start = start[n_left:][order]
    last = np.searchsorted(right_start, left_end, side="left")

    # The first that can reach it: ends are not sorted where starts are, but the furthest end so far is.
    right_end = end[n_left:][order]
    reach = np.maximum.accumulate(right_end)
    first = np.searchsorted(reach, left_start, side="right")

    # the reach is that of any earlier interval, so each candidate's end is looked at
    i, j = _expand(first, last)
    hit = right_end[j] > left_start[i]
    i = i[hit]
    j = order[j[hit]]

    sort = np.lexsort((j, i))
    return i[sort], j[sort]


def overlaps_any(left: pd.DataFrame, right: pd.DataFrame) -> np.ndarray:
    """Which intervals of `left` share a base with one of `right`; boolean."""
    found, _ = find_overlaps(left, right)
    hit = np.zeros(len(left), dtype=bool)
    hit[found] = True
    return hit


def tss_intervals(tss: pd.DataFrame, margin: int = 0) -> pd.DataFrame:
    """Intervals of the transcription start sites (contract tss), with `margin` bp on both sides."""
    return pd.DataFrame(
        {
            "chrom": tss["chrom"],
            "start": tss["tss"] - margin,
            "end": tss["tss"] + 1 + margin,
        }
    )


def holds_tss(
    regions: pd.DataFrame, tss: pd.DataFrame, margin: int = 0, shift: int = 0
) -> np.ndarray:
    """Which regions, moved by `shift` bp, hold a TSS or lie within `margin` bp of one; boolean."""
    # moving the sites back is moving the regions on
    moved = tss.assign(tss=tss["tss"] - shift)
    return overlaps_any(regions, tss_intervals(moved, margin))


def _expand(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All (i, j) with first[i] <= j < last[i]."""
    size = np.maximum(last - first, 0)
    i = np.repeat(np.arange(len(size)), size)

    # a pair's number within its i is its number among all pairs, less that of the first pair of i
    begin = np.cumsum(size) - size
    within = np.arange(len(i)) - begin[i]
    return i, first[i] + within
