"""Motifs whose scores differ between a region set and its background.

The scores are those of a cisTarget database, or of the dataset's regions, scanned as for `motif_scan`.
"""

from __future__ import annotations

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_regions import take_motifs


def _rules(section: Section) -> list[str]:
    return ["contrast_motifs"] if section["dem"]["scores"] else ["scan_motifs", "contrast_motifs"]


def _needs(section: Section) -> list[str]:
    given = ["dem.scores"] if section["dem"]["scores"] else ["motif_scan.fasta", "motif_scan.motifs"]
    return ["motifs_to_tfs", *given]


@method("dem", reads=Table("motif_contrast", "motif_enrichment"), rules=_rules, needs=_needs)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """See `take_motifs`."""
    return take_motifs(evidence, "dem")
