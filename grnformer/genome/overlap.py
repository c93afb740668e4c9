"""Regions of one collection that overlap regions of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grnformer.core.errors import InputError


def overlap_regions(ours: Sequence[str], theirs: Sequence[str], *, min_overlap: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of overlapping regions, as pycistarget maps peaks to its database.

    Parameters
    ----------
    ours, theirs
        Names such as chr1:100-600; a prefix such as ``hg38__`` is left aside.
    min_overlap
        Share of either region, 0 to 1, above which two regions are taken to be the same.

    Returns
    -------
    Positions in `ours` and in `theirs`, one pair each, sorted.

    Raises
    ------
    InputError
        If a name is no region.
    """
    import pandas as pd

    from grnformer.genome.regions import parse_regions

    left, right = (
        parse_regions(pd.Index(names).str.replace(r"^\w+__", "", regex=True), where)
        for names, where in ((ours, "regions of the sets"), (theirs, "ranking database"))
    )
    pairs = []
    by_chromosome = right.groupby("chrom", sort=False).indices
    for chrom, rows in left.groupby("chrom", sort=False).indices.items():
        if chrom not in by_chromosome:
            continue
        others = by_chromosome[chrom]
        others = others[np.argsort(right["start"].to_numpy()[others], kind="stable")]
        start, end = (right[side].to_numpy()[others] for side in ("start", "end"))
        # the furthest end so far: behind it no region starting earlier can reach
        reach = np.maximum.accumulate(end)
        first = np.searchsorted(reach, left["start"].to_numpy()[rows], side="right")
        last = np.searchsorted(start, left["end"].to_numpy()[rows], side="left")
        size = np.maximum(last - first, 0)
        a = np.repeat(rows, size)
        at = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size) + np.repeat(first, size)
        left_start, left_end = left["start"].to_numpy()[a], left["end"].to_numpy()[a]
        shared = np.minimum(left_end, end[at]) - np.maximum(left_start, start[at])
        shorter = np.minimum(left_end - left_start, end[at] - start[at])
        kept = shared > min_overlap * shorter
        pairs.append(np.stack([a[kept], others[at[kept]]]))
    if not pairs:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    found = np.concatenate(pairs, axis=1)
    found = found[:, np.lexsort(found[::-1])]
    return found[0], found[1]


def check_mapped(n_mapped: int, n_ours: int, theirs: Sequence[str], least: float) -> None:
    """Raise InputError if fewer than a share `least` of our regions is found in the database."""
    if n_mapped < least * n_ours or n_mapped == 0:
        raise InputError(
            f"{n_mapped} of {n_ours} regions of the region sets overlap a region of the ranking database "
            f"(its regions are such as {theirs[0]!r})",
            f"at least {least:.0%}: the same genome build and chromosome names",
            "take a database of this genome, lower grn.cistromes.cistarget.min_mapped, or rank your own regions with "
            "grn.cistromes.method: motif_scan",
        )
