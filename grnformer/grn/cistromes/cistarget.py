"""Motifs enriched in region sets by the rankings of a cisTarget database."""

from __future__ import annotations

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_regions import take_motifs
from grnformer.settings.key import File, Settings, key


class Cistarget(Settings):
    """Motif enrichment (Aibar et al. 2017, doi 10.1038/nmeth.4463).

    All thresholds hold for motif_scan too, from min_overlap on for dem, those of motif-to-TF rows for every method.
    """

    rankings: File | None = key(
        None,
        "<name>.regions_vs_motifs.rankings.feather, a database of regions x motifs for the method cistarget; a path or "
        "resource:<name>",
    )
    auc_threshold: float = key(
        0.005,
        "fraction of the ranked regions, from the top, over which the recovery AUC is taken",
        gt=0,
        le=1,
    )
    rank_threshold: float = key(
        0.05,
        "fraction of the ranked regions in which the leading edge is looked for",
        gt=0,
        le=1,
    )
    nes_threshold: float = key(
        3,
        "least normalised enrichment score of a motif: its AUC in SDs over all motifs",
        unit="SD",
        ge=0,
    )
    min_overlap: float = key(
        0.4,
        "fraction of either region that two regions must have in common to be the same",
        ge=0,
        lt=1,
    )
    min_regions: int = key(
        10,
        "regions in the database that a set must have; smaller sets are left out",
        unit="regions",
        ge=1,
    )
    min_mapped: float = key(
        0.2, "least fraction of the sets' regions that are in the database", ge=0, le=1
    )
    motif_similarity_fdr: float = key(
        0.001, "largest q-value of a motif-to-TF row", ge=0, le=1
    )
    orthologous_identity: float = key(
        0, "least identity of the orthologous gene of a motif-to-TF row", ge=0, le=1
    )


@method(
    "cistarget",
    settings=Cistarget,
    reads=Table("motif_enrichment", "motif_enrichment"),
    rules=lambda section: ["enrich_motifs"],
    needs=lambda section: ["motifs_to_tfs", "cistarget.rankings"],
    ranks_regions=True,
)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """See `take_motifs`."""
    return take_motifs(evidence, "cistarget")
