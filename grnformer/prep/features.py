"""From a matrix as stored in a file to cells x genes or cells x regions, with the names that other stages use."""

from __future__ import annotations

import logging
from collections.abc import Callable

import anndata
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.genome.regions import parse_regions, region_fraction
from grnformer.prep.counts import as_counts, check_barcodes, sum_repeated_genes

log = logging.getLogger(__name__)

GENES, PEAKS = "Gene Expression", "Peaks"
_MIN_REGIONS = 0.5  # fraction of the features of an ATAC matrix


def as_rna(
    data: anndata.AnnData,
    tss: pd.DataFrame,
    where: str,
    *,
    min_known_genes: float,
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

    Raises
    ------
    InputError
        If the matrix holds no counts, or its genes are not those of the genome.
    """
    symbols = set(tss["gene"])
    # A gene without an id is known by its symbol only.
    identified = tss.dropna(subset="gene_id")
    symbol_of = dict(zip(identified["gene_id"], identified["gene"], strict=True))

    def known_symbols(names: pd.Index) -> float:
        return names.isin(symbols).mean()

    def known_ids(names: pd.Index) -> float:
        return _without_version(names).isin(symbol_of).mean()

    def known(names: pd.Index) -> float:
        return max(known_symbols(names), known_ids(names))

    # Kinds first: peaks in the file would lower the fraction of known genes.
    data = select_features(data, GENES, where)
    data = orient(
        data,
        known,
        min_known_genes,
        f"genes of the TSS table such as {sorted(symbols)[:3]}",
        where,
    )
    data = anndata.AnnData(as_counts(data.X, where), obs=data.obs, var=data.var)
    # Not before: only now are the rows known to be cells.
    check_barcodes(data.obs_names, where)

    # Most names decide: single genes without a symbol are named by their id in either case.
    if known_symbols(data.var_names) < known_ids(data.var_names):
        log.info("%s: genes named by Ensembl id; symbols from the TSS table", where)
        ids = _without_version(data.var_names)
        data.var["gene_id"] = ids
        data.var_names = pd.Index([symbol_of.get(name, name) for name in ids])

    # After renaming: several Ensembl ids may have one symbol.
    return sum_repeated_genes(data, where)


def as_atac(data: anndata.AnnData, where: str) -> anndata.AnnData:
    """Cells x regions named chr1:1-2: counts (CSR, int32); `var` holds ``chrom, start, end``."""
    data = select_features(data, PEAKS, where)
    expected = "regions such as chr1:100-600, chr1-100-600 or chr1_100_600"
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

    kinds = data.var["feature_type"]
    chosen = (kinds == kind).to_numpy()
    if not chosen.any():
        raise InputError(
            f"{where}: features of the types {sorted(set(kinds))}",
            f"features of the type {kind!r}",
            "give the file that holds them; a Multiome .h5 is named in both columns, rna and atac",
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


def _without_version(names: pd.Index) -> pd.Index:
    return names.astype(str).str.replace(r"^(ENS[A-Z]*\d+)\.\d+$", r"\1", regex=True)
