"""One set of regions of equal width for all pseudobulks: iterative overlap removal."""

from __future__ import annotations

import logging
from bisect import bisect_left, insort
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.genome.intervals import overlaps_any

log = logging.getLogger("grnformer.prep")


def merge_peaks(
    peaks: dict[str, pd.DataFrame], lengths: dict[str, int], blacklist: pd.DataFrame | None, *, half_width: int
) -> pd.DataFrame:
    """Widen summits to equal width and keep the best of those that overlap, again and again.

    Scores are first made comparable between pseudobulks of unequal depth: a peak's score is its share of the
    pseudobulk's summed scores, per million. Then the best peak of all is kept and those that overlap it are left out,
    and so on (Corces et al. 2018, doi 10.1126/science.aav1898).

    Parameters
    ----------
    peaks
        Pseudobulk -> ``chrom, summit`` (0-based, bp), ``score`` (-log10 p).
    lengths
        Chromosome lengths, bp; peaks that would reach beyond are left out.
    blacklist
        ``chrom, start, end``: peaks that overlap one are left out. None: there is no list for this genome.
    half_width
        bp on both sides of a summit; regions are ``2 half_width + 1`` wide.

    Returns
    -------
    pandas.DataFrame
        Contract `consensus_peaks`, sorted by position.

    Raises
    ------
    InputError
        If no peak is left.
    """
    rows = [_score(frame, name) for name, frame in sorted(peaks.items()) if len(frame)]
    if not rows:
        raise InputError(
            f"no pseudobulk of {len(peaks)} has a peak",
            "peaks in at least one",
            "give deeper data, raise prep.fragments.q_value, or pool cells (prep.fragments.without_annotation: whole)",
        )
    table = pd.concat(rows, ignore_index=True)
    table["start"], table["end"] = table["summit"] - half_width, table["summit"] + half_width + 1
    n_called = len(table)
    inside = (table["start"] >= 0) & (table["end"] <= table["chrom"].map(lengths))
    table = table[inside]
    barred = overlaps_any(table, blacklist) if blacklist is not None else np.zeros(len(table), dtype=bool)
    table = table[~barred].sort_values(
        ["score", "chrom", "start", "group"], ascending=[False, True, True, True], ignore_index=True
    )
    kept = table[remove_overlaps(table)]
    log.info(
        "%d peaks of %d pseudobulks, %d beyond a chromosome's end, %d blacklisted: %d regions of %d bp",
        n_called, len(peaks), int((~inside).sum()), int(barred.sum()), len(kept), 2 * half_width + 1,
    )  # fmt: skip
    if kept.empty:
        raise InputError(
            f"all {n_called} peaks lie in the blacklist or beyond the chromosomes' ends",
            "peaks elsewhere",
            "check the genome in the sample sheet and prep.fragments.blacklists in the config",
        )
    kept = kept.assign(groups=_found_in(kept, table))
    names = kept["chrom"] + ":" + kept["start"].astype(str) + "-" + kept["end"].astype(str)
    kept = kept.assign(region=names)[["region", "chrom", "start", "end", "score", "best_group", "groups"]]
    return kept.sort_values(["chrom", "start"], ignore_index=True)


def remove_overlaps(ranked: pd.DataFrame) -> np.ndarray:
    """Which regions of equal width stay when each, in order, is kept unless it overlaps one kept before; boolean."""
    kept = np.zeros(len(ranked), dtype=bool)
    starts: dict[str, list[int]] = {}
    for row, (chrom, start, end) in enumerate(zip(ranked["chrom"], ranked["start"], ranked["end"], strict=True)):
        taken, width = starts.setdefault(chrom, []), end - start
        place = bisect_left(taken, start)
        before = place > 0 and start - taken[place - 1] < width
        after = place < len(taken) and taken[place] - start < width
        if not (before or after):
            insort(taken, start)
            kept[row] = True
    return kept


def read_blacklist(path: str | Path, lengths: dict[str, int]) -> pd.DataFrame:
    """Read a BED of regions to be left out: ``chrom, start, end``.

    Raises
    ------
    InputError
        If it is no BED, or has no chromosome in common with the fragments.
    """
    try:
        table = pd.read_csv(
            path, sep="\t", header=None, usecols=[0, 1, 2], names=["chrom", "start", "end"], comment="#",
            dtype={"chrom": str, "start": np.int64, "end": np.int64}, keep_default_na=False,
        )  # fmt: skip
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(
            f"{path}: {error}", "a BED: chromosome, start, end", "correct prep.fragments.blacklists in the config"
        ) from error
    if not set(table["chrom"]) & set(lengths):
        raise InputError(
            f"{path} has the chromosomes {sorted(set(table['chrom']))[:5]}",
            f"chromosomes of the fragments: {sorted(lengths)[:5]}",
            "correct prep.fragments.blacklists in the config; null: no blacklist",
        )
    return table


def _score(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    best = frame.groupby(["chrom", "summit"], as_index=False)["score"].max()
    total = best["score"].sum()
    return best.assign(score=1e6 * best["score"] / total if total > 0 else 0.0, best_group=name, group=name)


def _found_in(kept: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Pseudobulks with a peak that overlaps each kept one, joined by ';'."""
    found = pd.DataFrame({name: overlaps_any(kept, part) for name, part in table.groupby("group")}, index=kept.index)
    return [";".join(found.columns[row]) for row in found.to_numpy()]
