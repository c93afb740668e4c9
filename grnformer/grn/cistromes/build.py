"""Cistromes by the chosen method, over the links that may carry an eRegulon."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from grnformer.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("grnformer.grn")


def build_cistromes(
    links: pd.DataFrame,
    tfs: list[str],
    prior: pd.DataFrame,
    region_sets: pd.DataFrame,
    *,
    method: str,
    min_abs_rho: float,
    region_set_kinds: Sequence[str],
    settings: dict[str, Any],
) -> pd.DataFrame:
    """Return the cistromes (contract cistromes).

    Parameters
    ----------
    links
        Contract region_gene.
    tfs
        TFs of the run.
    prior
        Contract prior.
    region_sets
        Contract region_sets.
    method
        Method of `grnformer.grn.cistromes.METHODS`.
    min_abs_rho
        Links with a weaker correlation carry no cistrome.
    region_set_kinds
        Only regions of such sets (topic_otsu, topic_top, dar); empty for all linked regions.
    settings
        Keyword arguments of the method.

    Raises
    ------
    InputError
        If the method is unknown, no link passes, or the method finds nothing.
    """
    from grnformer.grn.cistromes import METHODS
    from grnformer.grn.cistromes.evidence import Evidence

    if method not in METHODS:
        raise InputError(f"grn.cistromes.method is {method!r}", f"one of {sorted(METHODS)}", "correct the config")
    strong = links[links["rho"].abs() >= min_abs_rho]
    if strong.empty:
        raise InputError(
            f"none of {len(links)} region-gene links reaches |rho| {min_abs_rho} (best {links['rho'].abs().max():.3f})",
            "links at or above grn.cistromes.min_abs_rho",
            "lower it, or look at results/<dataset>/grn/region_gene.parquet",
        )
    if region_set_kinds:
        inside = set(region_sets.loc[region_sets["kind"].isin(set(region_set_kinds)), "region"])
        kept = strong[strong["region"].isin(inside)]
        if kept.empty:
            raise InputError(
                f"none of {strong['region'].nunique()} linked regions lies in a region set of kind {region_set_kinds}",
                f"kinds among {sorted(region_sets['kind'].unique())} whose regions are linked to genes",
                "change grn.cistromes.region_set_kinds, or the topics' binarisation",
            )
        strong = kept
    cistromes = METHODS[method](Evidence(strong, tfs, prior), **settings)
    logger.info(
        "cistromes (%s): %d TFs, %d regions, %d rows from %d of %d links",
        method, cistromes["tf"].nunique(), cistromes["region"].nunique(), len(cistromes), len(strong), len(links),
    )  # fmt: skip
    return cistromes
