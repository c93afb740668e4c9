"""Quality of eRegulons: does the TF's expression follow the activity of its target genes and of its target regions?

SCENIC+ (doi 10.1038/s41592-023-01938-4) correlates them over pseudobulks: in single cells, counts of a TF are too few.
Here the pseudobulks share no cell, so that they are as many independent observations as they seem.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import scipy.sparse as sp

logger = logging.getLogger(__name__)

NOTHING = "nothing"
LEAST_UNITS = 10  # pseudobulks or cells; over fewer, unrelated values often correlate by .6 and more


def pool_cells(
    cell_type: np.ndarray, size: int, rng: np.random.Generator
) -> sp.csr_matrix:
    """Sample groups of about `size` cells of one type (at least one a type) that share no cell.

    Returns
    -------
    Groups x cells; a row holds 1 over the group's size for each of its cells, so that a product gives means.
    """
    import scipy.sparse as sp

    groups = []
    for name in sorted(set(cell_type)):
        cells = rng.permutation(np.flatnonzero(cell_type == name))
        # Sizes of a type's groups differ by one cell at most.
        groups += np.array_split(cells, max(1, round(len(cells) / size)))

    sizes = np.array([len(group) for group in groups])
    start = np.r_[0, np.cumsum(sizes)]
    values = np.repeat(1 / sizes, sizes)
    return sp.csr_matrix(
        (values, np.concatenate(groups), start), shape=(len(groups), len(cell_type))
    )


def correlate_columns(a: np.ndarray, b: np.ndarray, method: str) -> np.ndarray:
    """Pearson or Spearman correlation of the columns of two arrays, pair by pair; nan where one is constant."""
    from scipy.stats import rankdata

    if method == "spearman":
        a, b = rankdata(a, axis=0), rankdata(b, axis=0)
    elif method != "pearson":
        raise InputError(
            f"grn.quality.correlation is {method!r}",
            "pearson or spearman",
            "correct the config",
        )
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    norm = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.divide(
        (a * b).sum(axis=0), norm, out=np.full(len(norm), np.nan), where=norm > 1e-12
    )


def assess_eregulons(
    eregulons: pd.DataFrame,
    rna: anndata.AnnData,
    gene_activity: pd.DataFrame,
    region_activity: pd.DataFrame,
    *,
    units: str,
    pseudobulk_cells: int,
    correlation: str,
    min_rho_genes: float,
    min_rho_regions: float,
    seed: int,
) -> pd.DataFrame:
    """Correlate each eRegulon's TF with the activity of its targets, and say which fall short.

    A TF of ``+`` should rise with its target genes, one of ``-`` fall; its target regions should follow its genes if
    the second sign is ``+``, and do the opposite if it is ``-``.

    Parameters
    ----------
    eregulons
        Contract eregulons.
    rna
        Cells x genes; X is log-normalised expression, obs `cell_type`.
    gene_activity, region_activity
        AUCs, cells x eRegulons; the second without eRegulons that have no region.
    units
        ``pseudobulks`` of about `pseudobulk_cells` cells of one type (see `pool_cells`), or ``cells``.
    correlation
        ``pearson`` or ``spearman``.
    min_rho_genes, min_rho_regions
        Least correlation in the expected direction.
    seed
        Of the pseudobulks.

    Returns
    -------
    Contract eregulon_quality without `kept`, one row an eRegulon.
    """
    # `nunique` skips NaN: without a region there are 0.
    table = (
        eregulons.assign(region=eregulons["region"].where(eregulons["region"] != ""))
        .groupby("eregulon", sort=True)
        .agg(
            tf=("tf", "first"), genes=("gene", "nunique"), regions=("region", "nunique")
        )
        .reset_index()
    )

    names = table["eregulon"]
    groups = _units(units, rna, pseudobulk_cells, seed)
    of_tf = rna.var_names.get_indexer(table["tf"])

    # units x eRegulons; for a TF that is not measured, any column until the next line
    expression = np.asarray((groups @ rna.X[:, np.maximum(of_tf, 0)]).todense(), float)
    expression[:, of_tf < 0] = 0  # not measured: constant

    by_kind = [
        correlate_columns(
            expression,
            groups @ activity.reindex(columns=names, fill_value=0).to_numpy(float),
            correlation,
        )
        for activity in (gene_activity, region_activity)
    ]

    # In the expected direction: as the TF's sign for genes, as the product of both signs for regions.
    first, second = (np.where(names.str[place] == "-", -1, 1) for place in (-3, -1))
    as_expected = by_kind[0] * first, by_kind[1] * first * second
    # 1e-9: correlations of counts often equal a bound but for rounding; nan falls short
    short_genes = ~(as_expected[0] >= min_rho_genes - 1e-9)
    short_regions = (table["regions"] > 0).to_numpy() & ~(
        as_expected[1] >= min_rho_regions - 1e-9
    )

    reasons = np.select(
        [short_genes & short_regions, short_genes, short_regions],
        ["target genes and regions", "target genes", "target regions"], NOTHING,
    )  # fmt: skip

    if groups.shape[0] < LEAST_UNITS:
        logger.warning(
            "%d %s are too few to judge eRegulons by how they follow their TF: at least %d are needed",
            groups.shape[0],
            units,
            LEAST_UNITS,
        )

    table["rho_genes"], table["rho_regions"] = by_kind
    table["units"] = groups.shape[0]
    table["passed"] = reasons == NOTHING
    table["falls_short_in"] = reasons
    medians = [np.nanmedian(np.r_[rho, 0]) for rho in as_expected]
    logger.info("%d of %d eRegulons follow their TF", table["passed"].sum(), len(table))
    logger.info(
        "median rho over %d %s: %.2f genes, %.2f regions",
        groups.shape[0],
        units,
        *medians,
    )
    return table


def _units(
    units: str, rna: anndata.AnnData, pseudobulk_cells: int, seed: int
) -> sp.csr_matrix:
    """Units x cells: a product gives means over each unit's cells."""
    import scipy.sparse as sp

    if units == "pseudobulks":
        groups = pool_cells(
            rna.obs["cell_type"].to_numpy(str),
            pseudobulk_cells,
            np.random.default_rng(seed),
        )
    elif units == "cells":
        groups = sp.identity(rna.n_obs, format="csr")
    else:
        raise InputError(
            f"grn.quality.units is {units!r}",
            "pseudobulks or cells",
            "correct the config",
        )

    # Two units always correlate by 1 or -1, or not at all.
    if groups.shape[0] < 3:
        raise InputError(
            f"{groups.shape[0]} {units} of {rna.n_obs} cells",
            "3 at least",
            "lower grn.quality.pseudobulk_cells",
        )
    return groups
