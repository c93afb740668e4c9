"""Motifs enriched in region sets by the rankings of a cisTarget database."""

from __future__ import annotations

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_regions import take_motifs


@method(
    "cistarget",
    reads=Table("motif_enrichment", "motif_enrichment"),
    rules=lambda section: ["enrich_motifs"],
    needs=lambda section: ["motifs_to_tfs", "cistarget.rankings"],
    ranks_regions=True,
)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """See `take_motifs`."""
    return take_motifs(evidence, "cistarget")
