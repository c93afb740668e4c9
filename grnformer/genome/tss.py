"""Transcription start sites from the tables they usually come in."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import (
    BED_COMMENTS,
    as_positions,
    as_whole,
    name_columns,
    read_frame,
    read_rows,
    refuse,
)

logger = logging.getLogger(__name__)

COLUMNS = ["gene", "gene_id", "chrom", "tss", "strand", "biotype"]
_SETTING = "genomes.<name>.tss in the config"
_ENSDB = {"seqnames": "chrom", "gene_name": "gene", "gene_type": "biotype"}
_BED = ["chrom", "start", "end", "gene", "score", "strand"]
_NOT_PRIMARY = r"CHR_|_alt$|_fix$|_hap\d+$|PATCH"
_STRANDS = {"+": "+", "-": "-", "1": "+", "-1": "-", "+1": "+", "1.0": "+", "-1.0": "-"}
_NO_STRAND = ["", ".", "*", "0", "NA"]

# HOMER's promoter windows, which celloracle ships: 1,000 bp upstream to 100 bp downstream of the TSS.
_UPSTREAM, _DOWNSTREAM = 1000, 100
_WIDTH = _UPSTREAM + _DOWNSTREAM
_CENTRE = -450
# of windows that were cut at a neighbour, still the distance of their centre from the TSS, by one base or two
_REACH = _UPSTREAM + 2


def read_tss(path: str | Path) -> pd.DataFrame:
    """Read transcription start sites, one row a distinct TSS of a gene, sorted by position.

    Parameters
    ----------
    path
        A table (TSV, CSV or Parquet, may be gzipped) of one of four kinds, inferred from its columns: EnsDb
        transcripts (``seqnames, strand, gene_id, tss, gene_name, gene_type``; `tss` 1-based), a plain table
        (``gene, chrom, tss, strand``, optionally ``gene_id, biotype``; `tss` 0-based), sites as BED6 without header
        (intervals of 1 bp, whatever their score), or HOMER's promoter windows as BED6 (1,000 bp upstream to 100 bp
        downstream of the TSS, with the distance of the window's centre from the TSS as score, or none). Strands are
        + and -, or 1 and -1.

    Returns
    -------
    pandas.DataFrame
        Columns of contract `tss`: 0-based positions in bp, chromosomes in UCSC style, Ensembl ids without version.
        Patches and alternative haplotypes are left out, because their genes stand on the primary chromosomes too.

    Raises
    ------
    InputError
        If the table is of no known kind, a strand or position is none, intervals are wider than a site and no
        promoter windows, or no site is left.
    """
    table = _read_any(path)
    needed = ["gene", "chrom", "tss", "strand"]
    if {*_ENSDB, "tss", "strand"} <= set(table):
        kind = "EnsDb transcripts"
        sites = table.rename(columns=_ENSDB)
        # EnsDb counts from 1, the contract from 0
        sites["tss"] = as_whole(sites["tss"], path, _SETTING) - 1
    elif set(needed) <= set(table):
        kind = "a plain table"
        sites = table.assign(tss=as_whole(table["tss"], path, _SETTING))
    else:
        kind = "a BED"
        sites = _from_bed(table, path)

    sites = sites.reindex(columns=COLUMNS)
    sites["strand"] = _strands(sites["strand"], path)
    is_complete = (sites[needed] != "").all(axis=1) & sites[needed].notna().all(axis=1)
    n_incomplete = int((~is_complete).sum())
    if n_incomplete:
        logger.warning(
            "%s: %d rows without gene, chromosome, TSS or strand", path, n_incomplete
        )
    if not is_complete.any():
        raise _incomplete(table, sites[needed], path)
    sites = sites[is_complete]
    sites["tss"] = as_positions(sites["tss"], path, _SETTING)
    sites["chrom"] = ucsc_names(sites["chrom"])

    identified = sites["gene_id"].notna() & (sites["gene_id"] != "")
    sites["gene_id"] = without_version(sites["gene_id"]).where(identified, np.nan)

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


def _incomplete(
    table: pd.DataFrame, sites: pd.DataFrame, path: str | Path
) -> InputError:
    """The error of a table of which no row has all that is needed: which columns are at fault."""
    empty = [name for name in sites if (sites[name].isna() | (sites[name] == "")).all()]
    columns = empty or list(sites)
    first = {name: table[name].iloc[0] for name in columns if name in table}
    return InputError(
        f"{path}: no usable row: none has all of {columns}; the first has {first}",
        "a gene, chromosome, TSS and strand (+ or -, 1 or -1) a row",
        f"fill these columns, or correct {_SETTING}",
    )


def ucsc_names(chromosomes: pd.Series) -> pd.Series:
    """Chromosome names in UCSC style: 1 -> chr1, MT -> chrM, chrMT -> chrM; others as they are."""
    bare = chromosomes.str.fullmatch(r"(\d{1,2}[LRAB]?|[XYZWM]|MT)")
    named = chromosomes.where(~bare, "chr" + chromosomes)
    return named.replace("chrMT", "chrM")


def without_version(ids: pd.Series) -> pd.Series:
    """Ensembl ids without version, and of a gene's copy on Y (GENCODE's _PAR_Y, formerly ENSGR) that of the gene."""
    # the ids first: a table has many rows of one gene
    known = pd.Series(ids.unique(), dtype=object)
    plain = known.str.replace(r"^ENSGR0", "ENSG00", regex=True)
    pattern = r"^(ENS[A-Z]*\d+)(?:\.\d+)?(?:_PAR_Y)?$"
    plain = plain.str.replace(pattern, r"\1", regex=True)
    return ids.map(dict(zip(known, plain, strict=True)))


def _read_any(path: str | Path) -> pd.DataFrame:
    """Columns by name, or those of a BED without header."""
    if Path(path).suffix == ".parquet":
        return read_frame(path, _SETTING)

    rows = read_rows(path, _SETTING, comments=BED_COMMENTS)

    # the second field of a BED's first line is a position, that of a header a name
    first = rows.iloc[0].to_list()
    if len(first) < 2 or not first[1].isdecimal():
        # before the header is looked at as such: a GTF has none
        if "tss" not in first and not set(_BED) <= set(first):
            raise _unknown(path, first)
        return name_columns(rows, path, _SETTING)
    if len(first) < len(_BED):
        raise _unknown(path, first)
    return rows.iloc[:, : len(_BED)].set_axis(_BED, axis=1)


def _strands(strands: pd.Series, path: str | Path) -> pd.Series:
    """Signs + and -, "" where there is none."""
    found = strands.where(~strands.isin(_NO_STRAND), "")
    signs = found.map({"": ""} | _STRANDS)
    refuse(strands, signs.isna(), "a strand: + or -, 1 or -1", path, _SETTING)
    return signs


def _from_bed(table: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    if not set(_BED) <= set(table):
        raise _unknown(path, list(table.columns))

    start = as_whole(table["start"], path, _SETTING)
    end = as_whole(table["end"], path, _SETTING)
    width = end - start
    refuse(table["end"], ~(width >= 0), "an end behind the start", path, _SETTING)

    # BED's own definition, whatever stands in the score
    are_sites = (width == 1).all()
    return table.assign(
        tss=start if are_sites else _of_windows(table, start, end, path)
    )


def _of_windows(
    table: pd.DataFrame, start: pd.Series, end: pd.Series, path: str | Path
) -> pd.Series:
    """TSSs (0-based) of HOMER's promoter windows, NaN where a window does not show its own."""
    forward = _strands(table["strand"], path) == "+"
    is_whole = end - start == _WIDTH
    by_shape = (end - _DOWNSTREAM).where(forward, end - _UPSTREAM) - 1

    # a score is a distance only if it is that of whole windows, most of which are
    score = pd.to_numeric(table["score"], errors="coerce")
    scored = score[is_whole & score.notna()]
    has_distance = len(scored) > 0 and np.mean(np.abs(scored - _CENTRE) <= 1) >= 0.5
    if has_distance:
        distance = score
        shown = is_whole.mean() >= 0.5
    else:
        distance = score * np.nan
        # at the start of a chromosome a window is cut, too
        is_whole |= (start == 0) & (end < _WIDTH)
        shown = is_whole.mean() >= 0.95
    if not shown:
        widths = (end - start).value_counts().index[:3].astype(int).tolist()
        raise InputError(
            f"{path}: intervals of several widths, such as {widths} bp, {is_whole.mean():.0%} of them of {_WIDTH} bp",
            f"TSSs as intervals of 1 bp, or HOMER's promoter windows of {_WIDTH} bp: elsewhere it is not known "
            "where in an interval the TSS lies",
            "write each TSS as an interval of 1 bp, or as a table with gene, chrom, tss (0-based), strand",
        )

    centre = (start + end) // 2
    by_distance = centre - distance.where(forward, -distance) - 1

    # A whole window shows its TSS; a distance that leads out of it is that of another transcript of the gene.
    within = (start <= by_distance) & (by_distance < end)
    trusted = within.where(is_whole, distance.abs() <= _REACH)
    tss = by_distance.where(trusted & distance.notna(), by_shape.where(is_whole))
    n_unknown = int(tss.isna().sum())
    if n_unknown:
        logger.warning(
            "%s: %d of %d windows do not show their TSS and are left out",
            path,
            n_unknown,
            len(tss),
        )
    return tss


def _unknown(path: str | Path, columns: list[str]) -> InputError:
    return InputError(
        f"{path} has the columns {columns[:12]}",
        "EnsDb transcripts (seqnames, strand, tss, gene_name, gene_type), TSSs as BED with the symbol in "
        "column 4 and the strand in column 6, or a table with gene, chrom, tss, strand",
        "correct genomes.<name>.tss in the config, or the table's header",
    )
