"""Cistromes from prior knowledge: a TF's known target lends the TF the accessible regions linked to that target.

For want of a genome and motif databases. The evidence speaks of one target gene only, so the column `gene` is set:
a region near two genes is taken to be bound for the known target, not for its neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.methods import method
from grnformer.grn.cistromes import Section
from grnformer.grn.cistromes.evidence import COLUMNS, Evidence
from grnformer.grn.prior import primary_sources
from grnformer.settings.key import File, Settings, key


class Prior(Settings):
    """TF-target pairs of prior knowledge."""

    table: File = key(
        "resource:regulatory_prior.parquet",
        "OmniPath's interactions, or columns tf, gene and optionally sign, sources; a path or resource:<name>",
    )
    orthologs: File | None = key(
        None,
        "where the table is of another species: two columns, the dataset's gene and its ortholog there; a path or "
        "resource:<name>; null: it is of the dataset's species",
    )
    collections: list[str] = key(
        ["CollecTRI", "DoRothEA"], "sources of which a pair must have one; []: any"
    )
    chip: Literal["keep", "drop", "only"] = key(
        "keep",
        "pairs with ChIP-derived sources: keep all, drop those with no other source, or only those with such a source",
    )
    chip_sources: list[str] = key(
        [
            "ENCODE-proximal",
            "ENCODE-distal",
            "FANTOM4_DoRothEA",
            "HTRIdb",
            "HTRIdb_DoRothEA",
            "HTRI_CollecTRI",
            "NFIRegulomeDB_DoRothEA",
            "ORegAnno",
            "ORegAnno_DoRothEA",
            "PAZAR_DoRothEA",
            "ReMap_DoRothEA",
            "ARACNe-GTEx_DoRothEA",
            "HOCOMOCO_DoRothEA",
            "JASPAR_DoRothEA",
            "RegNetwork_DoRothEA",
            "TRED_DoRothEA",
        ],
        "sources that come from ChIP: to score them against ChIP-seq would be circular. Experiments of binding, and "
        "what DoRothEA lists of predictions and collections, which is mostly where ChIP agrees",
    )


@method("prior", settings=Prior, without_regions=True)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """Join the prior's targets with the regions linked to them; without ATAC, the targets themselves.

    Parameters
    ----------
    settings
        ``chip_sources``: the sources that stem from ChIP experiments.

    Returns
    -------
    Table tf, region, gene, annotation (``direct``), evidence (``prior:<sources>``, ``chip:<ChIP-derived sources>`` or
    both joined by ``|``), sign (of the prior), score (number of primary sources).

    Raises
    ------
    InputError
        If no known target of a TF of the run has a linked region.
    """
    pairs = evidence.prior[evidence.prior["tf"].isin(evidence.tfs)]
    chip_sources = frozenset(settings["chip_sources"])
    # few distinct texts stand for many pairs
    described: dict[str, str] = {}
    counts: dict[str, float] = {}
    for text in pairs["sources"].unique():
        sources = primary_sources(text.split(";"))
        described[text] = describe(sources, chip_sources)
        counts[text] = float(max(1, len(sources)))
    pairs = pairs.assign(
        annotation="direct",
        evidence=pairs["sources"].map(described),
        score=pairs["sources"].map(counts),
    )

    joined = pairs.merge(evidence.links[["region", "gene"]], on="gene")
    if joined.empty:
        raise InputError(
            f"none of {len(pairs)} prior targets of {len(evidence.tfs)} TFs has a linked region (targets such as "
            f"{pairs['gene'].head(3).tolist()}, linked: {evidence.links['gene'].head(3).tolist()})",
            "a prior of this species, with the RNA's kind of gene names",
            "set grn.cistromes.prior.table, or loosen grn.cistromes.min_abs_rho",
        )
    return joined[COLUMNS].sort_values(["tf", "gene", "region"], ignore_index=True)


def describe(sources: Sequence[str], chip_sources: frozenset[str]) -> str:
    """Name the sources as evidence, the ChIP-derived ones apart: ``prior:CollecTRI;SIGNOR|chip:ENCODE-proximal``."""
    chip = [source for source in sources if source in chip_sources]
    other = [source for source in sources if source not in chip_sources]

    parts = []
    if other:
        parts.append("prior:" + ";".join(other))
    if chip:
        parts.append("chip:" + ";".join(chip))
    return "|".join(parts)
