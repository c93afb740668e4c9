"""Cistromes from prior knowledge: a TF's known target lends the TF the accessible regions linked to that target.

For want of a genome and motif databases. The evidence speaks of one target gene only, so the column `gene` is set:
a region near two genes is taken to be bound for the known target, not for its neighbour.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from grnformer.grn.cistromes.evidence import Evidence

logger = logging.getLogger(__name__)


def join_prior(evidence: Evidence, *, chip_sources: Sequence[str]) -> pd.DataFrame:
    """Join the prior's targets with the regions linked to them.

    Returns
    -------
    Table tf, region, gene, annotation (``direct``), evidence (``prior:<sources>``, ``chip:<ChIP-derived sources>`` or
    both joined by ``|``), sign (of the prior), score (number of primary sources).

    Raises
    ------
    InputError
        If no known target of a TF of the run has a linked region.
    """
    from grnformer.grn.prior import primary_sources

    pairs = evidence.prior[evidence.prior["tf"].isin(set(evidence.tfs))]
    derived = frozenset(chip_sources)
    sources = {text: primary_sources(text.split(";")) for text in pairs["sources"].unique()}
    pairs = pairs.assign(
        evidence=pairs["sources"].map({text: describe(found, derived) for text, found in sources.items()}),
        score=pairs["sources"].map({text: float(max(1, len(found))) for text, found in sources.items()}),
    )
    links = evidence.links[["region", "gene"]]
    joined = pairs[["tf", "gene", "evidence", "sign", "score"]].merge(links, on="gene", how="inner")
    if joined.empty:
        raise InputError(
            f"none of {len(pairs)} prior targets of {len(evidence.tfs)} TFs has a linked region "
            f"(targets such as {pairs['gene'].head(3).tolist()}, linked: {links['gene'].head(3).tolist()})",
            "a prior of this species, with the RNA's kind of gene names",
            "set grn.cistromes.prior.table, or loosen grn.cistromes.min_abs_rho",
        )
    joined["annotation"] = "direct"
    joined = joined[["tf", "region", "gene", "annotation", "evidence", "sign", "score"]]
    return joined.sort_values(["tf", "gene", "region"], ignore_index=True)


def describe(sources: Sequence[str], chip_sources: frozenset[str]) -> str:
    """Name the sources as evidence, the ChIP-derived ones apart: ``prior:CollecTRI;SIGNOR|chip:ENCODE-proximal``."""
    other = ";".join(s for s in sources if s not in chip_sources)
    chip = ";".join(s for s in sources if s in chip_sources)
    return "|".join(f"{kind}:{names}" for kind, names in (("prior", other), ("chip", chip)) if names)
