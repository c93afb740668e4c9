"""Transcription start sites from the tables they usually come in."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)

COLUMNS = ["gene", "gene_id", "chrom", "tss", "strand", "biotype"]
_ENSDB = {"seqnames": "chrom", "gene_name": "gene", "gene_type": "biotype"}
_NOT_PRIMARY = r"CHR_|_alt$|_fix$|_hap\d+$|PATCH"
# HOMER's promoter windows, which celloracle ships: 1,000 bp upstream to 100 bp downstream of the TSS.
_DOWNSTREAM = 100


def read_tss(path: str | Path) -> pd.DataFrame:
    """Read transcription start sites, one row a distinct TSS of a gene, sorted by position.

    Parameters
    ----------
    path
        A table (TSV, CSV or Parquet, may be gzipped) of one of three kinds, inferred from its columns: EnsDb
        transcripts (``seqnames, strand, gene_id, tss, gene_name, gene_type``; `tss` 1-based), TSS windows as BED
        without header (``chrom, start, end, symbol, distance of the window's centre from the TSS, strand``),
        or a plain table (``gene, chrom, tss, strand``, optionally ``gene_id, biotype``; `tss` 0-based).

    Returns
    -------
    pandas.DataFrame
        Columns of contract `tss`: 0-based positions in bp, chromosomes in UCSC style. Patches and alternative
        haplotypes are left out, because their genes stand on the primary chromosomes too.

    Raises
    ------
    InputError
        If the table is of no known kind, or no site is left.
    """
    table = _read_any(Path(path))
    needed = ["gene", "chrom", "tss", "strand"]
    if {*_ENSDB, "tss", "strand"} <= set(table):
        kind = "EnsDb transcripts"
        sites = table.rename(columns=_ENSDB)
        # EnsDb counts from 1, the contract from 0
        sites["tss"] -= 1
    elif set(needed) <= set(table):
        kind = "a plain table"
        sites = table
    else:
        kind = "TSS windows"
        sites = _from_windows(table, path)

    sites = sites.reindex(columns=COLUMNS).dropna(subset=needed)
    is_named = sites["gene"] != ""
    has_strand = sites["strand"].isin(["+", "-"])
    sites = sites[is_named & has_strand]
    sites["tss"] = sites["tss"].astype(np.int64)
    sites["chrom"] = ucsc_names(sites["chrom"].astype(str))

    is_primary = ~sites["chrom"].str.contains(_NOT_PRIMARY, regex=True)
    sites = sites[is_primary].drop_duplicates(needed)
    if sites.empty:
        raise InputError(
            f"{path}: no usable row",
            "a gene, chromosome, TSS and strand a row",
            "use another table",
        )
    logger.info(
        "%s is %s: %d sites of %d genes",
        path,
        kind,
        len(sites),
        sites["gene"].nunique(),
    )
    return sites.sort_values(["chrom", "tss", "gene", "strand"], ignore_index=True)


def ucsc_names(chromosomes: pd.Series) -> pd.Series:
    """Chromosome names in UCSC style: 1 -> chr1, MT -> chrM, chrMT -> chrM; others as they are."""
    bare = chromosomes.str.fullmatch(r"(\d{1,2}[LRAB]?|[XYZWM]|MT)")
    named = chromosomes.where(~bare, "chr" + chromosomes)
    return named.replace("chrMT", "chrM")


def _read_any(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)

    separator = "," if ".csv" in path.suffixes else "\t"
    try:
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            header=None,
            comment="#",
        )
    except (
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        UnicodeDecodeError,
    ) as error:
        raise InputError(
            f"{path}: {error}",
            "a table of TSSs",
            "correct genomes.<name>.tss in the config",
        ) from error

    # the second field of a BED's first line is a position, that of a header a name
    has_header = table.shape[1] < 2 or not str(table.iloc[0, 1]).isdigit()
    if has_header:
        table.columns = table.iloc[0].to_list()
        table = table.iloc[1:]
    if "tss" not in table:
        return table

    position = pd.to_numeric(table["tss"], errors="coerce")
    return table.assign(tss=position)


def _from_windows(table: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    if 5 not in table:
        raise InputError(
            f"{path} has the columns {list(table.columns)[:12]}",
            "EnsDb transcripts (seqnames, strand, tss, gene_name, gene_type), TSS windows as BED with the symbol in "
            "column 4 and the strand in column 6, or a table with gene, chrom, tss, strand",
            "correct genomes.<name>.tss in the config, or the table's header",
        )

    start = pd.to_numeric(table[1], errors="coerce")
    end = pd.to_numeric(table[2], errors="coerce")
    distance = pd.to_numeric(table[4], errors="coerce")
    forward = table[5] == "+"

    # Windows that were cut at a neighbour keep the distance of their centre, so it goes before the width.
    centre = (start + end) // 2
    by_distance = centre - distance.where(forward, -distance)
    by_width = (end - _DOWNSTREAM).where(forward, start + _DOWNSTREAM)
    tss = by_distance.fillna(by_width) - 1
    return pd.DataFrame(
        {
            "gene": table[3],
            "chrom": table[0],
            "tss": tss,
            "strand": table[5],
        }
    )
