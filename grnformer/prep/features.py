"""From a matrix as stored in a file to cells x genes or cells x regions, with the names that other stages use."""

from __future__ import annotations

import logging
from collections.abc import Callable

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.genome.regions import (
    REGION_STYLES,
    parse_regions,
    region_fraction,
)
from grnformer.genome.tss import without_version
from grnformer.prep.cell_figures import check_no_figures
from grnformer.prep.counts import (
    as_counts,
    check_barcodes,
    check_totals,
    sum_repeated_genes,
)
from grnformer.prep.feature_types import GENES, KINDS, PEAKS
from grnformer.prep.scale import round_corrected

log = logging.getLogger(__name__)

_MIN_PREFIXED = 0.5  # fraction of the names of a matrix of several genomes
# Cell Ranger puts the genome before names of a reference of two species: GRCh38_TP53, mm10___Trp53.
_GENOME_PREFIX = r"^((?:GRC[a-z]|hg|mm|rn|Rnor_|dm|danRer|T2T-)[A-Za-z]*\d+)_+"
# var_names_make_unique of scanpy, and make.unique of R.
_REPEAT = r"^(?P<name>.+)[-.]\d+$"
_MIN_REGIONS = 0.5  # fraction of the features of an ATAC matrix
_MOST_REGIONS = (
    0.05  # fraction of the features of an RNA matrix that may look like regions
)


def as_rna(
    data: anndata.AnnData,
    tss: pd.DataFrame,
    where: str,
    *,
    min_known_genes: float,
    rounded: bool = False,
) -> anndata.AnnData:
    """Cells x genes with gene symbols: counts (CSR, int32), genes of one name summed.

    Parameters
    ----------
    data
        A matrix from `read_matrix`.
    tss
        Contract `tss`: the genes that count as known.
    min_known_genes
        Least fraction of the genes (0 to 1) that must be in `tss`.
    rounded
        Whether values that are no whole numbers are rounded (see `round_corrected`), not refused.

    Raises
    ------
    InputError
        If the matrix holds no counts, or its genes are not those of the genome.
    """
    data = select_features(data, GENES, where)
    _check_species(data, where)

    symbols = set(tss["gene"])
    # A gene without an id is known by its symbol only.
    identified = tss.dropna(subset="gene_id")
    known_as = _without_version(pd.Index(identified["gene_id"]))
    symbol_of = dict(zip(known_as, identified["gene"], strict=True))

    def known_symbols(names: pd.Index) -> float:
        return names.isin(symbols).mean()

    def known_ids(names: pd.Index) -> float:
        return _without_version(names).isin(symbol_of).mean()

    def known(names: pd.Index) -> float:
        return max(known_symbols(names), known_ids(names))

    expected = f"genes of the TSS table such as {sorted(symbols)[:3]}"
    _check_names(data, known, min_known_genes, where)
    data = orient(data, known, min_known_genes, expected, where)

    values = round_corrected(data.X, where) if rounded else data.X
    data = anndata.AnnData(as_counts(values, where), obs=data.obs, var=data.var)
    # Not before: only now are the rows known to be cells.
    check_barcodes(data.obs_names, where)
    is_known = data.var_names.isin(symbols) | _without_version(data.var_names).isin(
        symbol_of
    )
    _check_no_regions(data.var_names[~is_known], data.n_vars, where)
    check_no_figures(data, is_known, where)
    check_totals(data.X, where)

    # Most names decide: single genes without a symbol are named by their id in either case.
    if known_symbols(data.var_names) < known_ids(data.var_names):
        log.info("%s: genes named by Ensembl id; symbols from the TSS table", where)
        ids = _without_version(data.var_names)
        data.var["gene_id"] = ids
        data.var_names = pd.Index([symbol_of.get(name, name) for name in ids])
    else:
        data.var_names = _undo_unique_names(data.var, symbols, symbol_of, where)

    # After renaming: several Ensembl ids may have one symbol.
    return sum_repeated_genes(data, where)


def as_atac(data: anndata.AnnData, where: str) -> anndata.AnnData:
    """Cells x regions named chr1:1-2: counts (CSR, int32); `var` holds ``chrom, start, end``."""
    data = select_features(data, PEAKS, where)
    expected = f"regions {REGION_STYLES}"
    data = orient(data, region_fraction, _MIN_REGIONS, expected, where)

    regions = parse_regions(data.var_names, where)
    data = anndata.AnnData(as_counts(data.X, where), obs=data.obs, var=regions)
    check_barcodes(data.obs_names, where)
    return data


def select_features(data: anndata.AnnData, kind: str, where: str) -> anndata.AnnData:
    """Keep the features of one kind where the file distinguishes kinds (10x Multiome)."""
    # Other formats hold one kind a file, and say nothing of it.
    if "feature_type" not in data.var:
        return data

    stated = data.var["feature_type"].astype(str)
    kinds = stated.str.strip().str.lower().map(KINDS)
    chosen = (kinds == kind).to_numpy()
    if not chosen.any():
        raise InputError(
            f"{where}: features of the types {sorted(set(stated))}",
            f"features of the type {kind!r}",
            f"give the file that holds them (a Multiome file is named in both columns, rna and atac), or call them "
            f"{kind!r} in var['feature_types']",
        )
    return data[:, chosen].copy()


def orient(
    data: anndata.AnnData,
    fraction: Callable[[pd.Index], float],
    least: float,
    expected: str,
    where: str,
) -> anndata.AnnData:
    """Cells x features, transposed if the features are among the row names.

    Parameters
    ----------
    fraction
        Function from names to the fraction (0 to 1) that are features.
    least
        Least fraction that must be features.
    """
    if 0 in data.shape:
        raise InputError(
            f"{where}: an empty matrix, {data.n_obs} x {data.n_vars}",
            "counts",
            "give another file",
        )

    # Text files of both orientations are common, and neither says which it is.
    columns, rows = data.var_names, data.obs_names
    in_columns, in_rows = fraction(columns), fraction(rows)
    known = max(in_columns, in_rows)
    if known < least:
        raise InputError(
            f"{where}: columns such as {columns[:3].tolist()}, rows such as {rows[:3].tolist()}; {known:.0%} known",
            f"at least {least:.0%} {expected}",
            "correct the file, or the genome in the sample sheet",
        )

    if in_rows > in_columns:
        log.info("%s: features in rows, cells in columns: transposed", where)
        return anndata.AnnData(sp.csr_matrix(data.X.T), obs=data.var, var=data.obs)
    log.info("%s: cells in rows, features in columns", where)
    return data


def _check_species(data: anndata.AnnData, where: str) -> None:
    """Raise InputError for a matrix of several genomes, by 10x' column or by the prefix of the names."""
    stated = (
        set(data.var["genome"].astype(str)) - {"", "nan"}
        if "genome" in data.var
        else set()
    )
    prefixes = set()
    for names in (data.var_names, data.obs_names):
        found = names.astype(str).str.extract(_GENOME_PREFIX, expand=False)
        if found.notna().sum() > _MIN_PREFIXED * len(names):
            prefixes |= set(found.dropna())

    genomes = sorted(stated if len(stated) > 1 else prefixes)
    if len(genomes) > 1:
        raise InputError(
            f"{where}: genes of {len(genomes)} genomes, {genomes}: a mixed-species file",
            "genes of one genome",
            "keep the cells and the genes of one species, without the genome before their names",
        )
    if genomes:
        raise InputError(
            f"{where}: genes named with the genome {genomes[0]} before them, such as {data.var_names[0]!r}",
            "names of genes alone",
            "remove the genome from the names",
        )


def _check_names(
    data: anndata.AnnData,
    known: Callable[[pd.Index], float],
    least: float,
    where: str,
) -> None:
    """Raise InputError if another column of var holds the genes, and not the names; or if these differ by case."""
    # Of an empty matrix, `orient` tells.
    if 0 in data.shape or max(known(data.var_names), known(data.obs_names)) >= least:
        return

    # Trp53 of mouse is TP53 of man.
    for spell in (str.upper, str.capitalize, str.lower):
        if known(data.var_names.astype(str).map(spell)) >= least:
            raise InputError(
                f"{where}: names such as {data.var_names[:3].tolist()} differ in upper and lower case from those of "
                "the TSS table",
                "the genes as the genome's TSS table has them",
                "correct the genome in the sample sheet (symbols of mouse are written Trp53, of human TP53), or the "
                "names",
            )

    for column in data.var.columns:
        if known(pd.Index(data.var[column].astype(str))) >= least:
            raise InputError(
                f"{where}: names such as {data.var_names[:3].tolist()} are not known, those in var[{column!r}] are "
                f"({data.var[column].astype(str)[:3].tolist()})",
                "the genes as names (var_names)",
                f"set var_names to var[{column!r}]",
            )


def _check_no_regions(unknown: pd.Index, n_features: int, where: str) -> None:
    """Raise InputError if regions stand among the genes: their counts would be part of a cell's RNA."""
    fraction = region_fraction(unknown) * len(unknown) / n_features
    if fraction > _MOST_REGIONS:
        raise InputError(
            f"{where}: {fraction:.0%} of the features are named like regions, such as {unknown[-1]!r}",
            "genes alone, or features of which var['feature_types'] says what they are",
            "write 'Gene Expression' and 'Peaks' into var['feature_types'], or leave the regions out",
        )


def _undo_unique_names(
    var: pd.DataFrame,
    symbols: set[str],
    symbol_of: dict[str, str],
    where: str,
) -> pd.Index:
    """Names without the number that made a repeated symbol unique, where ``gene_id`` says that it repeats.

    TBCE-1 is TBCE if TBCE is there too, no gene is called TBCE-1, and both have ids that differ.
    """
    names = var.index.astype(str)
    original = names.str.extract(_REPEAT, expand=True)["name"]
    original.index = names
    numbered = original.isin(set(names)).to_numpy() & ~names.isin(symbols)
    if not numbered.any():
        return var.index

    if "gene_id" not in var:
        log.warning(
            "%s: %d genes such as %r look like repeats of another, numbered to make names unique; without gene ids "
            "(var['gene_ids']) they stay genes of their own",
            where,
            numbered.sum(),
            names[numbered][0],
        )
        return var.index

    ids = _without_version(pd.Index(var["gene_id"].astype(str)))
    first = dict(zip(names[::-1], ids[::-1], strict=True))
    # An id that the TSS table gives to another gene is that gene, whatever its name.
    stated = pd.Series(ids, index=names).map(symbol_of).fillna(original)
    same = (
        numbered
        & (stated == original).to_numpy()
        & (ids != original.map(first).to_numpy())
    )
    return pd.Index(np.where(same, original, names))


def _without_version(names: pd.Index) -> pd.Index:
    return pd.Index(without_version(names.astype(str).to_series()))
