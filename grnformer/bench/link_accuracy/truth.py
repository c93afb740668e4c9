"""Element-gene pairs of CRISPRi screens, and the regions and links that they can be scored on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
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
TEXT = ("chrom", "measuredGeneSymbol", _LINE)


class Candidates(NamedTuple):
    """What is scored.

    Attributes
    ----------
    pairs
        gene, distance (bp, absolute), regulated; one row an element-gene pair with a link at least.
    links
        pair (row of `pairs`), region, importance, rho: the links of each pair.
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
        In the form of ENCODE's CRISPR benchmark (Gschwind et al. 2023, doi 10.1101/2023.11.09.563812).
    line
        As its column CellType has it.

    Raises
    ------
    InputError
        If a column is missing, flags are no truth values, or the line has no pair of either outcome.
    """
    missing = sorted({*_COLUMNS, _LINE} - set(table))
    if missing:
        raise InputError(
            f"CRISPRi pairs without the columns {missing}",
            f"columns {[*_COLUMNS, _LINE]}",
            "give the pairs in the form of ENCODE's CRISPR benchmark as bench.link_accuracy.pairs",
        )
    table = table.assign(Regulated=_flags(table["Regulated"]))
    of_line = table[table[_LINE].astype(str) == line]
    if _VALID in of_line:
        of_line = of_line[_flags(of_line[_VALID])]

    pairs = of_line[list(_COLUMNS)].rename(columns=_COLUMNS).reset_index(drop=True)
    pairs["distance"] = pairs["distance"].astype(float).abs()
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
        If no pair of either outcome can be scored.
    """
    middle = (regions["start"] + regions["end"]) // 2
    points = pd.DataFrame(
        {"chrom": regions["chrom"], "start": middle, "end": middle + 1}
    ).reset_index(drop=True)
    element, region = find_overlaps(pairs[["chrom", "start", "end"]], points)
    within = pd.DataFrame({"pair": element, "region": regions.index[region]})
    within["gene"] = pairs["gene"].to_numpy()[element]

    wanted = links[["region", "gene", "importance", "rho"]].astype({"region": str})
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
            "compare genome build, gene symbols and the links' window with those of bench.link_accuracy.pairs",
        )
    found["pair"] = pd.Index(np.flatnonzero(scored)).get_indexer(found["pair"])
    return Candidates(
        kept[["gene", "distance", "regulated"]].reset_index(drop=True),
        found,
        pd.DataFrame(coverage, columns=["step", "pairs", "positives", "genes"]),
    )


def _flags(column: pd.Series) -> pd.Series:
    """Booleans, or their words in any case."""
    words = column.astype(str).str.lower()
    if not words.isin(["true", "false"]).all():
        raise InputError(
            f"values such as {column[~words.isin(['true', 'false'])].iloc[0]!r} in the column {column.name}",
            "TRUE or FALSE",
            "correct the file of bench.link_accuracy.pairs",
        )
    return words == "true"
