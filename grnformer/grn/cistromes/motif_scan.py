"""Motifs enriched in region sets by rankings of the dataset's regions, made from motif sites in their sequence."""

from __future__ import annotations

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_regions import take_motifs


@method(
    "motif_scan",
    reads=Table("motif_enrichment", "motif_enrichment"),
    rules=lambda section: ["scan_motifs", "enrich_motifs"],
    needs=lambda section: ["motifs_to_tfs", "motif_scan.fasta", "motif_scan.motifs"],
    ranks_regions=True,
)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """See `take_motifs`."""
    return take_motifs(evidence, "motif_scan")
