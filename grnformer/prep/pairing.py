"""Pairing the cells of two modalities, and naming their types, by barcode."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.io import MISSING_NUMBERS

log = logging.getLogger(__name__)

# How barcodes differ between tools, and the pattern of what to ignore.
_DIFFERENCES = {
    "a suffix such as -1": r"[-_.]\d+$",
    "a prefix such as sample_ or sample#": r"^.*[_#:|]",
    "a suffix such as _sample": r"[_#:|].*$",
    "upper and lower case": None,
    "a prefix and a suffix": r"^.*[_#:|]|[-.]\d+$",
}
_MIN_MATCH = 0.1  # fraction of barcodes that a hint must match


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
            or "check that both files are of this sample",
        )
    return shared


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
            hint = f"{what} makes them differ: without it {min(matched, 1):.0%} match; write the barcodes alike"
    return hint


def _normalise(names: pd.Index, pattern: str | None) -> pd.Index:
    text = names.astype(str).str
    return text.replace(pattern, "", regex=True) if pattern else text.upper()


def read_annotation(path: str | Path, barcodes: pd.Index) -> pd.Series:
    """Read a table of barcode and cell type, with or without a header, comma- or tab-separated.

    Returns
    -------
    pandas.Series
        Cell type (text, '' where missing) by barcode.

    Raises
    ------
    InputError
        If the table has not two columns, or gives a barcode two different types.
    """
    path = Path(path)
    separator = "," if ".csv" in path.suffixes else "\t"
    # Without comments: a barcode may be sample#ACGT.
    try:
        table = pd.read_csv(
            path,
            sep=separator,
            header=None,
            dtype=str,
            keep_default_na=False,
        )
    except (
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        UnicodeDecodeError,
    ) as error:
        raise InputError(
            f"{path}: {error}",
            "two columns: barcode, cell type",
            "correct the annotation",
        ) from error

    first = table.iloc[0].to_list()
    if len(first) != 2:
        raise InputError(
            f"{path}: {len(first)} columns, first line {first}",
            "two columns, barcode and cell type, comma-separated as .csv or tab-separated as .tsv",
            "leave the other columns out",
        )

    # A first line without a barcode is a header only if other lines have barcodes: else the whole table is foreign.
    if first[0] not in barcodes and (len(table) == 1 or table[0].isin(barcodes).any()):
        log.info("%s: the first line %s is taken as a header", path, first)
        table = table.iloc[1:]

    # The same line twice does no harm, two types of one barcode do.
    table = table.drop_duplicates()
    repeated = table[0].duplicated()
    if repeated.any():
        raise InputError(
            f"{path}: {repeated.sum()} barcodes have two cell types, first {table.loc[repeated, 0].iloc[0]!r}",
            "one cell type a barcode",
            "correct the annotation",
        )
    return table.set_index(0)[1].str.strip()


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
    found = labels.reindex(barcodes).fillna("")
    # The annotation is read as text: words for missing values in other tables are names here.
    words = sorted(set(found) & set(MISSING_NUMBERS) - {""})
    if words:
        log.warning(
            "%s: %s taken as names of cell types; a cell without a type has an empty field",
            where,
            words,
        )

    missing = found == ""
    if 1 - missing.mean() < min_annotated:
        matched = float(barcodes.isin(labels.index).mean())
        raise InputError(
            f"{where}: {missing.sum()} of {len(found)} cells have no cell type, first {found.index[missing][0]!r}"
            f"; the annotation's barcodes are such as {labels.index[0]!r}",
            f"a cell type for at least {min_annotated:.0%} of the cells",
            spelling_hint(barcodes, labels.index, matched)
            or "complete the annotation, or lower prep.min_annotated: cells without a type are then dropped",
        )
    return found
