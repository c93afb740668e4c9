"""From a matrix as it lies in a file to cells x genes or cells x regions, with names that other stages know."""

from __future__ import annotations

import logging
from collections.abc import Callable

import anndata
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.genome.regions import parse_regions, region_fraction
from grnformer.prep.counts import as_counts, check_barcodes, sum_repeated_genes

log = logging.getLogger("grnformer.prep")

GENES, PEAKS = "Gene Expression", "Peaks"


def as_rna(data: anndata.AnnData, tss: pd.DataFrame, where: str, *, min_known_genes: float) -> anndata.AnnData:
    """Cells x genes with gene symbols: counts (CSR, int32), genes of one name summed.

    Parameters
    ----------
    data
        A matrix from `read_matrix`.
    tss
        Contract `tss`: the genes that count as known.
    min_known_genes
        Least share of the genes (0 to 1) that must be in `tss`.

    Raises
    ------
    InputError
        If the matrix is no count matrix, or its genes are not those of the genome.
    """
    data = select_features(data, GENES, where)
    symbols, ids = set(tss["gene"]), dict(zip(tss["gene_id"].dropna(), tss["gene"], strict=False))

    def known(names: pd.Index) -> float:
        return max(_fraction(names, symbols), _fraction(_without_version(names), ids))

    data = orient(data, known, min_known_genes, f"genes of the TSS table such as {sorted(symbols)[:3]}", where)
    data = anndata.AnnData(as_counts(data.X, where), obs=data.obs, var=data.var)
    check_barcodes(data.obs_names, where)
    names = _without_version(data.var_names)
    if _fraction(data.var_names, symbols) < _fraction(names, ids):
        log.info("%s: genes named by Ensembl id; symbols from the TSS table", where)
        data.var["gene_id"] = names
        data.var_names = pd.Index([ids.get(name, name) for name in names])
    return sum_repeated_genes(data, where)


def as_atac(data: anndata.AnnData, where: str) -> anndata.AnnData:
    """Cells x regions named chr1:1-2: counts (CSR, int32); `var` holds ``chrom, start, end``."""
    data = select_features(data, PEAKS, where)
    data = orient(data, region_fraction, 0.5, "regions such as chr1:100-600, chr1-100-600 or chr1_100_600", where)
    regions = parse_regions(data.var_names, where)
    data = anndata.AnnData(as_counts(data.X, where), obs=data.obs, var=regions)
    check_barcodes(data.obs_names, where)
    return data


def select_features(data: anndata.AnnData, kind: str, where: str) -> anndata.AnnData:
    """Keep the features of one kind where the file tells kinds apart (10x Multiome)."""
    if "feature_type" not in data.var:
        return data
    chosen = (data.var["feature_type"] == kind).to_numpy()
    if not chosen.any():
        raise InputError(
            f"{where}: features of the types {sorted(set(data.var['feature_type']))}",
            f"features of the type {kind!r}",
            "give the file that holds them; a Multiome .h5 is named in both columns, rna and atac",
        )
    return data[:, chosen].copy()


def orient(
    data: anndata.AnnData, share: Callable[[pd.Index], float], least: float, expected: str, where: str
) -> anndata.AnnData:
    """Cells x features, turned if the features are found among the row names.

    Parameters
    ----------
    share
        Function from names to the share of them (0 to 1) that are features.
    least
        Least share that must be features.
    """
    if 0 in data.shape:
        raise InputError(f"{where}: an empty matrix, {data.n_obs} x {data.n_vars}", "counts", "give another file")
    along_columns, along_rows = share(data.var_names), share(data.obs_names)
    if max(along_columns, along_rows) < least:
        raise InputError(
            f"{where}: columns such as {data.var_names[:3].tolist()}, rows such as {data.obs_names[:3].tolist()}; "
            f"{max(along_columns, along_rows):.0%} known",
            f"at least {least:.0%} {expected}",
            "correct the file, or the genome in the sample sheet",
        )
    if along_rows > along_columns:
        log.info("%s: features in rows, cells in columns: turned", where)
        turned = anndata.AnnData(sp.csr_matrix(sp.csr_matrix(data.X).T), obs=data.var, var=data.obs)
        return turned
    log.info("%s: cells in rows, features in columns", where)
    return data


def _fraction(names: pd.Index, known: set[str] | dict[str, str]) -> float:
    return float(names.isin(list(known)).mean()) if len(names) else 0.0


def _without_version(names: pd.Index) -> pd.Index:
    return names.astype(str).str.replace(r"^(ENS[A-Z]*\d+)\.\d+$", r"\1", regex=True)
