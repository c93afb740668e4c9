"""Region names: reading them, and finding regions of one collection in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.genome.intervals import find_overlaps

REGION_STYLES = "such as chr1:100-600, chr1-100-600, chr1_100_600 or chr1.100.600"

# R writes a dot for whatever is neither letter nor digit; genome browsers put commas into numbers.
_PATTERN = r"^\s*(?P<chrom>\S*?[^\s:_.-])[:_.-](?P<start>\d[\d,]*)(?:[_.-]|\.\.)(?P<end>\d[\d,]*)\s*$"
# Positions with a decimal point, as a table of numbers with gaps writes them: chr1:100.0-600.0. Without the colon both
# have it, or GL000194.1-5-9 would be one.
_DECIMAL = (
    r":\d[\d,]*(?:\.\d+[-_]\d[\d,]*(?:\.\d+)?|[-_]\d[\d,]*\.\d+)\s*$"
    r"|[-_]\d[\d,]*\.\d+[-_]\d[\d,]*\.\d+\s*$"
)
_MOST_DIGITS = 12  # of a position, in bp: no chromosome is as long


def region_fraction(names: pd.Index) -> float:
    """Fraction of names (0 to 1, of at most 1,000 looked at) that read as chrom, start, end."""
    if not len(names):
        return 0.0

    # spread over all names: files may hold genes first and regions behind them
    step = max(1, len(names) // 1000)
    some = names[::step].astype(str)
    return float(some.str.match(_PATTERN).mean())


def parse_regions(names: pd.Index, where: str) -> pd.DataFrame:
    """Read chr1:1-2, chr1-1-2, chr1_1_2 or chr1.1.2, with commas or without; indexed by the name chr1:1-2.

    Returns
    -------
    pandas.DataFrame
        ``chrom, start, end`` in the order of `names`: 0-based, end exclusive, bp.

    Raises
    ------
    InputError
        If a name does not read as a region, a position is no whole number, an end is not after its start, or two
        regions are the same.
    """
    _refuse_decimals(names, where)
    parts = pd.Series(names.astype(str)).str.extract(_PATTERN)
    wrong = parts["chrom"].isna().to_numpy()
    if wrong.any():
        raise InputError(
            f"{where}: {wrong.sum()} region names such as {names[wrong][0]!r}",
            f"names {REGION_STYLES}",
            "rename the regions; where other features stand beside them, say which in var['feature_types']",
        )

    for column in ("start", "end"):
        parts[column] = parts[column].str.replace(",", "")
        too_long = (parts[column].str.len() > _MOST_DIGITS).to_numpy()
        if too_long.any():
            raise InputError(
                f"{where}: {too_long.sum()} regions with a position beyond any chromosome, first "
                f"{names[too_long][0]!r}",
                f"positions in bp, of at most {_MOST_DIGITS} digits",
                "correct the regions",
            )

    regions = parts.astype({"start": np.int64, "end": np.int64})
    backward = (regions["end"] <= regions["start"]).to_numpy()
    if backward.any():
        raise InputError(
            f"{where}: {backward.sum()} regions end before they start, first {names[backward][0]!r}",
            "an end after the start",
            "correct the regions",
        )

    # names are written anew from the numbers, so that 0100 and 100 are one region
    start = regions["start"].astype(str)
    end = regions["end"].astype(str)
    text = parts["chrom"] + ":" + start + "-" + end
    regions.index = pd.Index(text, name="region")

    repeated = regions.index[regions.index.duplicated()]
    if len(repeated):
        raise InputError(
            f"{where}: {len(repeated)} repeated regions, first {repeated[0]!r}",
            "each region once",
            "remove repeats",
        )
    return regions


def _refuse_decimals(names: pd.Index, where: str) -> None:
    """The point would be read as the border between chromosome, start and end."""
    decimal = names.astype(str).str.contains(_DECIMAL)
    if decimal.any():
        raise InputError(
            f"{where}: {decimal.sum()} regions with a decimal point in a position, first {names[decimal][0]!r}",
            "positions in bp, which are whole numbers: chr1:100-600",
            "write start and end as integers",
        )


def count_overlapping(regions: pd.DataFrame) -> int:
    """Number of regions (``chrom, start, end``) that share a base with another."""
    i, j = find_overlaps(regions, regions)
    return len(np.unique(i[i != j]))


def parse_database_regions(names: Sequence[str], where: str) -> pd.DataFrame:
    """Read names as `parse_regions`; the genome that cisTarget puts before them (``hg38__chr1:1-2``) is left aside."""
    bare = pd.Index(names).str.replace(r"^\w+__", "", regex=True)
    return parse_regions(bare, where)


def overlap_regions(
    ours: Sequence[str], theirs: Sequence[str], *, min_overlap: float
) -> tuple[np.ndarray, np.ndarray]:
    """Find pairs of overlapping regions, as pycistarget maps peaks to its database.

    Parameters
    ----------
    ours, theirs
        Names such as chr1:100-600; a prefix such as ``hg38__`` is left aside.
    min_overlap
        Two regions are the same if they share more than this fraction (0 to 1) of the shorter one.

    Returns
    -------
    Positions in `ours` and in `theirs`, one pair each, sorted.

    Raises
    ------
    InputError
        If a name is no region.
    """
    left = parse_database_regions(ours, "regions of the sets")
    right = parse_database_regions(theirs, "ranking database")
    i, j = find_overlaps(left, right)

    # pairs x (ours, theirs)
    starts = np.column_stack([left["start"].iloc[i], right["start"].iloc[j]])
    ends = np.column_stack([left["end"].iloc[i], right["end"].iloc[j]])

    # of the shorter one: a narrow peak within a wide database region is that region
    shared = ends.min(axis=1) - starts.max(axis=1)
    shorter = (ends - starts).min(axis=1)
    same = shared > min_overlap * shorter
    return i[same], j[same]
