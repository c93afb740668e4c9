"""Motifs enriched in region sets by rankings of the dataset's regions, made from motif sites in their sequence."""

from __future__ import annotations

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_regions import take_motifs
from grnformer.settings.key import File, PartFraction, Settings, key


class MotifScan(Settings):
    """A ranking database of the dataset's regions, made from motif sites in their sequence."""

    fasta: File | None = key(
        None,
        "genome of the regions, plain or compressed by bgzip; a path or resource:<name>",
    )
    motifs: File | None = key(
        None,
        "a file or a folder: MEME, JASPAR, TRANSFAC, Cluster-Buster (cb), CIS-BP or four columns; a path or "
        "resource:<name>",
    )
    max_p: float = key(
        0.0005, "probability of a motif site in random sequence", gt=0, le=0.1
    )
    background_fraction: PartFraction = key(
        0.01, "of the uniform background in each position of a motif"
    )


@method(
    "motif_scan",
    settings=MotifScan,
    reads=Table("motif_enrichment", "motif_enrichment"),
    rules=lambda section: ["scan_motifs", "enrich_motifs"],
    needs=lambda section: ["motifs_to_tfs", "motif_scan.fasta", "motif_scan.motifs"],
    ranks_regions=True,
)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """See `take_motifs`."""
    return take_motifs(evidence, "motif_scan")
