"""Motifs whose scores differ between a region set and its background.

The scores are those of a cisTarget database, or of the dataset's regions, scanned as for `motif_scan`.
"""

from __future__ import annotations

from typing import Literal

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes import Section, Table
from grnformer.grn.cistromes.evidence import Evidence
from grnformer.grn.cistromes.from_regions import take_motifs
from grnformer.settings.key import File, Settings, key


def _rules(section: Section) -> list[str]:
    return (
        ["contrast_motifs"]
        if section["dem"]["scores"]
        else ["scan_motifs", "contrast_motifs"]
    )


def _needs(section: Section) -> list[str]:
    given = (
        ["dem.scores"]
        if section["dem"]["scores"]
        else ["motif_scan.fasta", "motif_scan.motifs"]
    )
    return ["motifs_to_tfs", *given]


class Dem(Settings):
    """Scores of motifs in a region set against a background, pycistarget's other test.

    Bravo González-Blas et al. 2023, doi 10.1038/s41592-023-01938-4.
    """

    scores: File | None = key(
        None,
        "<name>.regions_vs_motifs.scores.feather, a database of regions x motifs; a path or resource:<name>; null: the "
        "dataset's regions, scanned as motif_scan says",
    )
    background: Literal["sets", "database"] = key(
        "sets",
        "regions of the other sets of the same kind, or all regions of the database",
    )
    max_background: int | None = key(
        500, "regions sampled as background; null: all", unit="regions", ge=1
    )
    promoter: int | None = key(
        1000,
        "from a TSS; the background gets no greater fraction of such regions than the set; null: any fraction",
        unit="bp",
        ge=0,
    )
    correct_ties: bool = key(
        True,
        "take the variance of rank sums that ties leave; pycistarget does not, and sees little where most regions have "
        "no site",
    )
    adjusted_p: float = key(0.05, "largest adjusted p of the rank-sum test", ge=0, le=1)
    log2_fold_change: float = key(1, "least log2 fold change of mean scores", ge=0)
    min_mean: float = key(0, "least mean score in the set", ge=0)
    hit_threshold: float | None = key(
        None,
        "score above which a region has the motif; null: what separates set and background best",
        ge=0,
    )


@method(
    "dem",
    settings=Dem,
    reads=Table("motif_contrast", "motif_enrichment"),
    rules=_rules,
    needs=_needs,
)
def cistromes(evidence: Evidence, settings: Section) -> pd.DataFrame:
    """See `take_motifs`."""
    return take_motifs(evidence, "dem")
