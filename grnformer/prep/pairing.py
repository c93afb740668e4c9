"""Pairing the cells of two modalities, and naming their types, by barcode."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.core.text import MISSING_NUMBERS, read_lines, read_rows, separator_hint

log = logging.getLogger(__name__)

# How barcodes differ between tools, and the pattern of what to ignore.
_DIFFERENCES = {
    "spaces around them": r"^\s+|\s+$",
    "a suffix such as -1": r"[-_.]\d+$",
    "a prefix such as sample_ or sample#": r"^.*[_#:|]",
    "a suffix such as _sample": r"[_#:|].*$",
    "upper and lower case": None,
    "a prefix and a suffix": r"^.*[_#:|]|[-.]\d+$",
}
_MIN_MATCH = 0.1  # fraction of barcodes that a hint must match
_MIN_IN_TABLE = 0.5  # fraction of the ATAC barcodes
_ARC_BARCODE = r"[ACGT]{16}(-\d+)?"


def pair_barcodes(
    rna: pd.Index,
    atac: pd.Index,
    where: str,
    *,
    min_barcode_overlap: float,
) -> pd.Index:
    """Barcodes of both modalities, in the order of the RNA.

    Parameters
    ----------
    min_barcode_overlap
        Least fraction (0 to 1) of the smaller modality's barcodes that must be in the other.

    Raises
    ------
    InputError
        If fewer are; with the difference in spelling that would make more barcodes match, if there is one.
    """
    shared = rna[rna.isin(atac)]
    # Of the smaller set: one modality may list empty droplets, too.
    overlap = len(shared) / min(len(rna), len(atac))
    log.info(
        "%s: %d RNA and %d ATAC barcodes, %d in both",
        where,
        len(rna),
        len(atac),
        len(shared),
    )

    if len(shared) == 0 or overlap < min_barcode_overlap:
        raise InputError(
            f"{where}: {len(shared)} of {len(rna)} RNA barcodes (such as {rna[0]!r}) are among the {len(atac)} ATAC "
            f"barcodes (such as {atac[0]!r}): {overlap:.1%} of the smaller set",
            f"at least {min_barcode_overlap:.0%} (prep.min_barcode_overlap): both modalities of the same cells",
            spelling_hint(rna, atac, overlap)
            or _whitelist_hint(rna, atac)
            or "check that both files are of this sample",
        )
    return shared


def spell_as_rna(
    atac: pd.Index,
    rna: pd.Index,
    where: str,
    *,
    table: str | Path | None,
    min_overlap: float,
) -> pd.Index:
    """ATAC barcodes as the RNA of the same cells has them: by `table`, if there is one, then by spelling.

    See `translate_barcodes` and `spell_alike`.
    """
    if table:
        atac = translate_barcodes(atac, rna, table, where, min_overlap=min_overlap)
    return spell_alike(atac, rna, where, min_overlap=min_overlap)


def spell_alike(
    theirs: pd.Index, ours: pd.Index, where: str, *, min_overlap: float
) -> pd.Index:
    """`theirs` with the barcodes that differ from `ours` in spelling alone written as in `ours`.

    Only where fewer than the fraction `min_overlap` (0 to 1) of the smaller set match as they are, at least so many
    match without a prefix, suffix or spaces, and then no two barcodes of a set are one, and none is a mere number: else
    `theirs` as it is.
    """
    spelt, what = _respell(theirs, ours, min_overlap)
    if what:
        log.warning(
            "%s: barcodes such as %r and %r differ by %s: %d are paired without it",
            where,
            ours[0],
            theirs[0],
            what,
            spelt.isin(ours).sum(),
        )
    return spelt


def _respell(
    theirs: pd.Index, ours: pd.Index, min_overlap: float
) -> tuple[pd.Index, str | None]:
    """See `spell_alike`; with what was ignored, None if nothing."""
    least = max(min_overlap, _MIN_MATCH) * min(len(ours), len(theirs))
    if theirs.isin(ours).sum() >= least:
        return theirs, None

    for what, pattern in _DIFFERENCES.items():
        bare, bare_ours = _normalise(theirs, pattern), _normalise(ours, pattern)
        found = bare.isin(bare_ours)
        ambiguous = bare.has_duplicates or bare_ours.has_duplicates
        # A number alone, of cell_12, is a place in a file and no barcode.
        numbers = bare_ours.str.fullmatch(r"\d+").any()
        if not ambiguous and not numbers and found.sum() >= least:
            spelt = pd.Series(ours, index=bare_ours).reindex(bare)
            return pd.Index(np.where(found, spelt, theirs)), what
    return theirs, None


def translate_barcodes(
    atac: pd.Index, rna: pd.Index, table: str | Path, where: str, *, min_overlap: float
) -> pd.Index:
    """ATAC barcodes by the RNA barcodes of the same cells, looked up in a table; suffixes such as -1 stay.

    Parameters
    ----------
    table
        Two columns without header: the RNA's barcode, the ATAC's.
    min_overlap
        With this fraction (0 to 1) of the smaller set alike, the barcodes are one already, and stay.

    Raises
    ------
    InputError
        As `read_lines`; if the table has not two columns, repeats a barcode, or holds less than half of the ATAC
        barcodes.
    """
    if rna.isin(atac).sum() >= min_overlap * min(len(rna), len(atac)):
        return atac

    lines = read_lines(table, "prep.barcode_table")
    pairs = pd.DataFrame([re.split(r"\s+|,", line) for _, line in lines])
    if (
        pairs.shape[1] != 2
        or pairs[0].duplicated().any()
        or pairs[1].duplicated().any()
    ):
        raise InputError(
            f"{table}: {pairs.shape[1]} columns, first line {pairs.iloc[0].to_list()}; or a barcode twice",
            "two columns without header, the RNA's barcode and the ATAC's, each once",
            "correct prep.barcode_table",
        )

    rna_of = pairs.set_index(1)[0]
    whole = atac.to_series(index=range(len(atac))).map(rna_of)
    # 10x' lists have no suffix, which then stays; a table of cells has theirs.
    parts = atac.str.extract(r"^(.*?)(-\d+)?$")
    bare = parts[0].map(rna_of) + parts[1].fillna("")
    spelt = whole if whole.notna().sum() > bare.notna().sum() else bare
    if spelt.notna().mean() < _MIN_IN_TABLE:
        raise InputError(
            f"{where}: {spelt.notna().sum()} of {len(atac)} ATAC barcodes, such as {atac[0]!r}, are in the second "
            f"column of {table}, such as {pairs.loc[0, 1]!r}",
            f"at least {_MIN_IN_TABLE:.0%}",
            "put the RNA's list first and the ATAC's second in prep.barcode_table; some tools write the ATAC's "
            "reversed and complemented",
        )
    return pd.Index(spelt.where(spelt.notna(), atac))


def spelling_hint(left: pd.Index, right: pd.Index, overlap: float) -> str | None:
    """What makes the two sets of barcodes differ, if ignoring it would at least double the shared ones."""
    # Twice an overlap of 0 is 0: the least fraction rules out matches by chance.
    best, hint = max(2 * overlap, _MIN_MATCH), None
    for what, pattern in _DIFFERENCES.items():
        found = _normalise(left, pattern).isin(_normalise(right, pattern))
        matched = found.sum() / min(len(left), len(right))
        if matched > best:
            best = matched
            # Barcodes that become equal may match more often than there are partners.
            hint = (
                f"{what} makes them differ: without it {min(matched, 1):.0%} match; "
                "write the barcodes alike, each once"
            )
    return hint


def _whitelist_hint(rna: pd.Index, atac: pd.Index) -> str | None:
    """What to do about barcodes that may be of 10x' two lists for Multiome."""
    if not all(names.str.fullmatch(_ARC_BARCODE).all() for names in (rna, atac)):
        return None

    return (
        "check that both files are of this sample. In 10x Multiome a cell has two barcodes: Cell Ranger ARC writes "
        "that of the RNA for both, other tools write that of the ATAC for the ATAC. Then replace each ATAC barcode by "
        "the one in the same line of the RNA's list: set prep.barcode_table to both lists side by side "
        "(737K-arc-v1.txt.gz, in Cell Ranger ARC's lib/python/cellranger/barcodes and lib/python/atac/barcodes; some "
        "tools write the ATAC's reversed and complemented)"
    )


def _normalise(names: pd.Index, pattern: str | None) -> pd.Index:
    text = names.astype(str).str
    return text.replace(pattern, "", regex=True) if pattern else text.upper()


def read_annotation(path: str | Path, barcodes: pd.Index) -> pd.Series:
    """Read a table of barcode and cell type, with or without a header; separators by the name: .csv, .tsv, .txt.

    Returns
    -------
    pandas.Series
        Cell type (text, '' where missing) by barcode.

    Raises
    ------
    InputError
        As `read_rows`; if the table has not two columns, or gives a barcode two different types.
    """
    # Without comments: a barcode may be sample#ACGT.
    table = read_rows(path, "the annotation in the sample sheet", comments=())
    first = table.iloc[0].to_list()
    if len(first) != 2:
        raise InputError(
            f"{path}: {len(first)} columns, first line {first}",
            "two columns, barcode and cell type, comma-separated as .csv or tab-separated as .tsv",
            separator_hint(first) or "leave the other columns out",
        )

    # A first line without a barcode is a header only if other lines have barcodes: else the whole table is foreign.
    spelt, _ = _respell(pd.Index(table[0].drop_duplicates()), barcodes, _MIN_MATCH)
    shared = table[0].isin(table[0].drop_duplicates()[spelt.isin(barcodes)])
    if not shared.iloc[0] and (len(table) == 1 or shared.any()):
        log.info("%s: the first line %s is taken as a header", path, first)
        table = table.iloc[1:]

    if table.empty:
        raise InputError(
            f"{path}: no line but {first}",
            "a line a cell: barcode, cell type",
            "write the cells below the header, or leave the column annotation empty",
        )

    # The same line twice does no harm, two types of one barcode do.
    table = table.drop_duplicates()
    repeated = table[0].duplicated()
    if repeated.any():
        raise InputError(
            f"{path}: {repeated.sum()} barcodes have two cell types, first {table.loc[repeated, 0].iloc[0]!r}",
            "one cell type a barcode",
            "correct the annotation",
        )
    return table.set_index(0)[1]


def annotation_of(obs: pd.DataFrame, column: str, where: str) -> pd.Series:
    """Cell types from column `column` of the obs of the RNA file."""
    if column not in obs:
        raise InputError(
            f"{where}: no obs column {column!r}",
            f"one of {list(obs.columns)}"
            if len(obs.columns)
            else "an .h5ad with obs columns",
            "correct the sample sheet's annotation",
        )

    # Objects first: a categorical takes no value that is not among its categories.
    return obs[column].astype(object).where(obs[column].notna(), "").astype(str)


def label_cells(
    labels: pd.Series,
    barcodes: pd.Index,
    where: str,
    *,
    min_annotated: float,
) -> pd.Series:
    """Cell types of `barcodes` in their order, '' where the annotation has none.

    Raises
    ------
    InputError
        If fewer than the fraction `min_annotated` (0 to 1) of the cells have one.
    """
    alike = spell_alike(labels.index, barcodes, where, min_overlap=min_annotated)
    found = labels.set_axis(alike).reindex(barcodes).fillna("").str.strip()
    # What R, Python and spreadsheets write for a missing value is no name.
    words = found[found.isin(MISSING_NUMBERS) & (found != "")]
    if len(words):
        log.warning(
            "%s: %d cells have %s in place of a cell type: they have none",
            where,
            len(words),
            sorted(set(words)),
        )
        found = found.mask(found.isin(MISSING_NUMBERS), "")

    # Later stages write a file for each type: names that collide are told of now.
    file_names(sorted(set(found) - {""}))

    missing = found == ""
    if 1 - missing.mean() < min_annotated:
        matched = float(barcodes.isin(alike).mean())
        of_words = f", {len(words)} of them {sorted(set(words))}" if len(words) else ""
        raise InputError(
            f"{where}: {missing.sum()} of {len(found)} cells have no cell type{of_words}, first "
            f"{found.index[missing][0]!r}; the annotation's barcodes are such as {_example(labels.index)!r}",
            f"a cell type for at least {min_annotated:.0%} of the cells",
            spelling_hint(barcodes, labels.index, matched)
            or "check that the annotation is of this sample and complete it, or lower prep.min_annotated: cells "
            "without a type are then dropped",
        )
    return found


def _example(barcodes: pd.Index) -> str:
    # The first may be a header.
    return barcodes[min(1, len(barcodes) - 1)]
