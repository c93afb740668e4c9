"""Cistromes by the chosen method, over the links that may carry an eRegulon."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.methods import load
from grnformer.grn import cistromes
from grnformer.grn.cistromes import Section
from grnformer.grn.cistromes.evidence import Evidence

logger = logging.getLogger(__name__)


def build_cistromes(
    links: pd.DataFrame,
    tfs: list[str],
    prior: pd.DataFrame,
    region_sets: pd.DataFrame | None,
    motif_table: pd.DataFrame | None = None,
    *,
    method: str,
    min_abs_rho: float,
    region_set_kinds: Sequence[str],
    settings: Section,
) -> pd.DataFrame:
    """Return the cistromes (contract cistromes).

    Parameters
    ----------
    links
        Contract region_gene; of RNA alone those of `link_genes`.
    tfs
        TFs of the run.
    prior
        Contract prior.
    region_sets
        Contract region_sets; None of RNA alone, whose links are all taken.
    motif_table
        What the method reads: see `grnformer.grn.cistromes`.
    method
        Name of a method.
    min_abs_rho
        Links with a weaker correlation carry no cistrome; methods that give genes, not regions, use none.
    region_set_kinds
        Only regions of such sets (topic_otsu, topic_top, dar); empty for all linked regions.
    settings
        The method's section of the config.

    Raises
    ------
    InputError
        If the method is unknown, no link passes, or the method finds nothing.
    """
    chosen = load(cistromes.__name__, method)

    # cistromes of genes join no link, so none is left out
    strong = links
    if region_sets is not None and not cistromes.describe_method(method).names_genes:
        strong = _strong_links(links, region_sets, min_abs_rho, region_set_kinds)

    found = chosen.call(Evidence(strong, tfs, prior, motif_table), settings)
    logger.info(
        "cistromes (%s): %d TFs, %d regions, %d rows from %d of %d links",
        method,
        found["tf"].nunique(),
        found["region"].nunique(),
        len(found),
        len(strong),
        len(links),
    )
    return found


def _strong_links(
    links: pd.DataFrame,
    region_sets: pd.DataFrame,
    min_abs_rho: float,
    region_set_kinds: Sequence[str],
) -> pd.DataFrame:
    rho = links["rho"].abs()
    strong = links[rho >= min_abs_rho]
    if strong.empty:
        raise InputError(
            f"none of {len(links)} region-gene links reaches |rho| {min_abs_rho} (best {rho.max():.3f})",
            "links at or above grn.cistromes.min_abs_rho",
            "lower it, or look at results/<dataset>/grn/region_gene.parquet",
        )
    if not region_set_kinds:
        return strong

    chosen = region_sets[region_sets["kind"].isin(region_set_kinds)]
    kept = strong[strong["region"].isin(chosen["region"])]
    if kept.empty:
        raise InputError(
            f"none of {strong['region'].nunique()} linked regions lies in a region set of kind {region_set_kinds}",
            f"kinds among {sorted(region_sets['kind'].unique())} whose regions are linked to genes",
            "change grn.cistromes.region_set_kinds, or the topics' binarisation",
        )
    return kept
