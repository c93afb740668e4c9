"""Element-gene pairs of CRISPRi screens, and the regions and links that they can be scored on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import (
    MISSING_NUMBERS,
    as_flags,
    as_numbers,
    as_positions,
    refuse,
)
from grnformer.genome.intervals import find_overlaps

#: column of the source -> name here
_COLUMNS = {
    "chrom": "chrom",
    "chromStart": "start",
    "chromEnd": "end",
    "measuredGeneSymbol": "gene",
    "distanceToTSS": "distance",
    "Regulated": "regulated",
}
_LINE, _VALID = "CellType", "ValidConnection"
# bp: elements are wider than regions, and few genes have TSSs so far apart; other builds differ by more
_SAME_PLACE = 5_000
_WHERE, _SETTING = "CRISPRi pairs", "bench.link_accuracy.pairs"


class Candidates(NamedTuple):
    """What is scored.

    Attributes
    ----------
    pairs
        gene, distance (bp, absolute), regulated; one row an element-gene pair with a link at least.
    links
        pair (row of `pairs`), region, importance, rho, weight: the links of each pair.
    coverage
        Table by contract ``link_coverage``.
    """

    pairs: pd.DataFrame
    links: pd.DataFrame
    coverage: pd.DataFrame


def read_pairs(table: pd.DataFrame, line: str) -> pd.DataFrame:
    """Take the valid pairs of one cell line: chrom, start, end, gene, distance (bp, absolute), regulated.

    Parameters
    ----------
    table
        In the form of ENCODE's CRISPR benchmark (Gschwind et al. 2023, doi 10.1101/2023.11.09.563812), as text.
    line
        As its column CellType has it.

    Raises
    ------
    InputError
        If a column is missing, flags are no truth values, a position or a distance is no number, or the line has no
        pair of either outcome.
    """
    missing = sorted({*_COLUMNS, _LINE} - set(table))
    if missing:
        raise InputError(
            f"CRISPRi pairs without the columns {missing}",
            f"columns {[*_COLUMNS, _LINE]}",
            f"give the pairs in the form of ENCODE's CRISPR benchmark as {_SETTING}",
        )
    table = table.assign(Regulated=_flags(table["Regulated"]))
    of_line = table[table[_LINE].astype(str) == line]
    if _VALID in of_line:
        of_line = of_line[_flags(of_line[_VALID])]

    for column in ("chromStart", "chromEnd"):
        of_line = of_line.assign(
            **{column: as_positions(of_line[column], _WHERE, _SETTING)}
        )
    distance = as_numbers(of_line["distanceToTSS"], _WHERE, _SETTING)
    refuse(of_line["distanceToTSS"], distance.isna(), "bp", _WHERE, _SETTING)
    of_line = of_line.assign(distanceToTSS=distance.abs())
    pairs = of_line[list(_COLUMNS)].rename(columns=_COLUMNS).reset_index(drop=True)
    if pairs["regulated"].nunique() < 2:
        raise InputError(
            f"{len(pairs)} CRISPRi pairs of {line!r}, {int(pairs['regulated'].sum())} of them regulated; lines there: "
            f"{sorted(set(table[_LINE].astype(str)))[:8]}",
            "pairs of the line with and without an effect",
            "correct bench.link_accuracy.lines (cell type: name in the truth)",
        )
    return pairs


def match_links(
    pairs: pd.DataFrame, regions: pd.DataFrame, genes: pd.Index, links: pd.DataFrame
) -> Candidates:
    """Find the links of each pair: regions with their midpoint in the element, linked to the gene.

    Parameters
    ----------
    pairs
        As `read_pairs` gives them.
    regions
        chrom, start, end, one row a region, indexed by its name.
    genes
        Genes that are measured.
    links
        Contract ``region_gene``.

    Raises
    ------
    InputError
        If no pair of either outcome can be scored, or links and pairs lie at other distances from the TSS.
    """
    middle = (regions["start"] + regions["end"]) // 2
    points = pd.DataFrame(
        {"chrom": regions["chrom"], "start": middle, "end": middle + 1}
    ).reset_index(drop=True)
    element, region = find_overlaps(pairs[["chrom", "start", "end"]], points)
    within = pd.DataFrame({"pair": element, "region": regions.index[region]})
    within["gene"] = pairs["gene"].to_numpy()[element]

    columns = ["region", "gene", "distance", "importance", "rho", "weight"]
    wanted = links[columns].astype({"region": str})
    found = within.astype({"region": str}).merge(wanted, on=["region", "gene"])
    reach = float(links["distance"].abs().max())
    measured = pairs["gene"].isin(genes)
    near = measured & pairs["gene"].isin(links["gene"]) & (pairs["distance"] <= reach)
    scored = pairs.index.isin(found["pair"])
    # A gene may have a TSS nearer than the one that the pairs measure from.
    near |= scored
    steps = {
        "pairs of the line": np.ones(len(pairs), dtype=bool),
        "gene measured": measured,
        "gene has links, distance within their reach": near,
        "a region in the element": near & pairs.index.isin(within["pair"]),
        "scored: a link from it to the gene": scored,
    }
    coverage = [
        (
            step,
            int(of.sum()),
            int(pairs["regulated"][of].sum()),
            pairs["gene"][of].nunique(),
        )
        for step, of in steps.items()
    ]

    kept = pairs[scored]
    if kept["regulated"].nunique() < 2:
        raise InputError(
            f"links of {len(kept)} CRISPRi pairs, {int(kept['regulated'].sum())} of them regulated",
            "links from regions in the elements to the genes, with and without an effect",
            f"compare genome build, gene symbols and the links' window with those of {_SETTING}",
        )
    _check_build(found["distance"].abs(), pairs["distance"].loc[found["pair"]])
    found["pair"] = pd.Index(np.flatnonzero(scored)).get_indexer(found["pair"])
    return Candidates(
        kept[["gene", "distance", "regulated"]].reset_index(drop=True),
        found,
        pd.DataFrame(coverage, columns=["step", "pairs", "positives", "genes"]),
    )


def _check_build(of_link: pd.Series, of_pair: pd.Series) -> None:
    """Raise InputError if most links lie elsewhere than their pairs: in another build they meet by chance."""
    apart = float(np.median(np.abs(of_link.to_numpy() - of_pair.to_numpy())))
    if apart > _SAME_PLACE:
        raise InputError(
            f"regions in CRISPRi elements, {apart:,.0f} bp (median) off the distances to the TSS that the pairs give",
            f"elements in the genome build of the data: distances within {_SAME_PLACE:,} bp of each other",
            f"lift the elements over to the genome build of the data, or name a file in it as {_SETTING}",
        )


def _flags(column: pd.Series) -> pd.Series:
    """Booleans; a missing one is neither, and refused."""
    missing = column.isin(MISSING_NUMBERS) | column.isna()
    refuse(column, missing, "TRUE or FALSE", _WHERE, _SETTING)
    return as_flags(column, _WHERE, _SETTING)
