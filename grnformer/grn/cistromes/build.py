"""Cistromes by the chosen method, over the links that may carry an eRegulon."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


def build_cistromes(
    links: pd.DataFrame,
    tfs: list[str],
    prior: pd.DataFrame,
    region_sets: pd.DataFrame,
    motif_enrichment: pd.DataFrame | None = None,
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
    motif_enrichment
        Contract motif_enrichment, where the method needs it.
    method
        Method of `grnformer.grn.cistromes.METHODS`.
    min_abs_rho
        Links with a weaker correlation carry no cistrome; methods that give genes, not regions, use none.
    region_set_kinds
        Only regions of such sets (topic_otsu, topic_top, dar); empty for all linked regions.
    settings
        Keyword arguments of the method.

    Raises
    ------
    InputError
        If the method is unknown, no link passes, or the method finds nothing.
    """
    from grnformer.grn.cistromes import GENE_BASED, METHODS
    from grnformer.grn.cistromes.evidence import Evidence

    if method not in METHODS:
        raise InputError(f"grn.cistromes.method is {method!r}", f"one of {sorted(METHODS)}", "correct the config")
    strong = links if method in GENE_BASED else _strong_links(links, region_sets, min_abs_rho, region_set_kinds)
    cistromes = METHODS[method](Evidence(strong, tfs, prior, motif_enrichment), **settings)
    logger.info(
        "cistromes (%s): %d TFs, %d regions, %d rows from %d of %d links",
        method, cistromes["tf"].nunique(), cistromes["region"].nunique(), len(cistromes), len(strong), len(links),
    )  # fmt: skip
    return cistromes


def _strong_links(
    links: pd.DataFrame, region_sets: pd.DataFrame, min_abs_rho: float, region_set_kinds: Sequence[str]
) -> pd.DataFrame:
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
    return strong


def method_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments of the chosen method, out of the config's section grn.cistromes."""
    method = settings["method"]
    return {"chip_sources": settings["prior"]["chip_sources"]} if method == "prior" else {"name": method}


def motif_rules(settings: dict[str, Any]) -> list[str]:
    """Rules that look for motifs under the chosen method (config section grn.cistromes)."""
    test = {
        "cistarget": ["enrich_motifs"],
        "motif_scan": ["enrich_motifs"],
        "dem": ["contrast_motifs"],
        "cistarget_genes": ["enrich_modules"],
        "pyscenic_ctx": ["run_pyscenic_ctx"],
    }.get(settings["method"], [])
    scan = settings["method"] == "motif_scan" or (settings["method"] == "dem" and not settings["dem"]["scores"])
    return ["scan_motifs", *test] if scan else test


def check_motif_settings(settings: dict[str, Any]) -> None:
    """Raise InputError where a motif method (config section grn.cistromes) lacks one of its files."""
    scanned = {f"motif_scan.{key}": settings["motif_scan"][key] for key in ("fasta", "motifs")}
    files = {
        "cistarget": {"cistarget.rankings": settings["cistarget"]["rankings"]},
        "motif_scan": scanned,
        "dem": {"dem.scores": settings["dem"]["scores"]} if settings["dem"]["scores"] else scanned,
        "cistarget_genes": {"cistarget_genes.rankings": settings["cistarget_genes"]["rankings"]},
    }
    files["pyscenic_ctx"] = files["cistarget_genes"]  # the same settings
    needed = files.get(settings["method"])
    if needed is None:
        return
    missing = [key for key, value in {"motifs_to_tfs": settings["motifs_to_tfs"], **needed}.items() if not value]
    if missing:
        raise InputError(
            f"grn.cistromes.method is {settings['method']!r} without {', '.join(missing)}",
            "a path or resource:<name> for each",
            f"set grn.cistromes.{missing[0]}, or take the method prior",
        )
