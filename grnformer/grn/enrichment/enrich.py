"""Motifs enriched in region sets, with the regions that carry the enrichment and the TFs that the motifs stand for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.genome.rankings import RankingDatabase
from grnformer.grn.enrichment.recovery import (
    check_nes_in_reach,
    leading_edge_ranks,
    make_sets,
    normalise,
    recovery_auc,
)
from grnformer.grn.enrichment.sets import annotations_of, finish_table, map_sets

logger = logging.getLogger(__name__)

COLUMNS = ["kind", "set", "motif", "auc", "nes", "rank_at_max", "regions"]


def enrich_regions(
    database: RankingDatabase,
    region_sets: pd.DataFrame,
    annotations: pd.DataFrame,
    *,
    kinds: Sequence[str],
    auc_threshold: float,
    rank_threshold: float,
    nes_threshold: float,
    min_overlap: float,
    min_regions: int,
    min_mapped: float,
) -> pd.DataFrame:
    """Return the enriched motifs of every region set (contract motif_enrichment), best first.

    As pycistarget (Bravo Gonzalez-Blas et al. 2023, doi 10.1038/s41592-023-01938-4): a set's regions are mapped to
    the database's, each motif gets an AUC and an NES among all motifs, and the leading edge of an enriched motif
    gives its regions.

    Parameters
    ----------
    database
        Rankings of regions.
    region_sets, kinds, min_overlap, min_regions, min_mapped
        See `grnformer.grn.enrichment.sets.map_sets`.
    annotations
        Of `read_annotations`.
    auc_threshold
        Fraction of the database's regions over which the AUC is taken.
    rank_threshold
        Fraction of the database's regions among which the leading edge is looked for.
    nes_threshold
        Least NES of an enriched motif.

    Raises
    ------
    InputError
        If the database ranks genes, has none of the annotated motifs or too few of the regions, or no motif is
        enriched in any set.
    """
    database.check_regions()
    check_nes_in_reach(
        len(database.motifs),
        nes_threshold,
        str(database.path),
        "add motifs to grn.cistromes.motif_scan.motifs (or take a larger database)",
    )
    annotations = annotations_of(database, annotations)
    mapped = map_sets(
        database, region_sets, kinds, min_overlap, min_regions, min_mapped
    )

    # only the regions of the sets are read: a database has a hundred times as many
    all_rows = np.concatenate([part["row"] for part in mapped.values()])
    used = np.unique(all_rows)
    ranks = database.load([database.features[i] for i in used])
    mapped = {
        key: part.assign(row=np.searchsorted(used, part["row"]))
        for key, part in mapped.items()
    }

    rows = _enriched(
        mapped, ranks, database, auc_threshold, rank_threshold, nes_threshold
    )
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["score"] = table["nes"]
    if table.empty:
        raise InputError(
            f"no motif of {len(database.motifs)} reaches NES {nes_threshold} in any of {len(mapped)} region sets",
            "enriched motifs",
            "lower grn.cistromes.cistarget.nes_threshold, raise .auc_threshold where the database is small, or use a "
            "larger motif collection: the NES compares motifs with each other",
        )
    return finish_table(table, annotations)


def _enriched(
    mapped: dict[tuple[str, str], pd.DataFrame],
    ranks: np.ndarray,
    database: RankingDatabase,
    auc_threshold: float,
    rank_threshold: float,
    nes_threshold: float,
) -> Iterator[tuple[object, ...]]:
    """Rows of `COLUMNS`."""
    total = len(database.features)
    length = max(int(rank_threshold * total), 1)
    # once each: several regions of a set may lie in one of the database
    sets = make_sets([part["row"].unique() for part in mapped.values()])
    auc = recovery_auc(ranks, sets, total=total, auc_threshold=auc_threshold)
    nes = normalise(auc)

    for i, ((kind, name), part) in enumerate(mapped.items()):
        # a motif that finds none of the set passes no threshold, however low
        passed = (nes[i] >= nes_threshold) & (auc[i] > 0)
        motifs = np.flatnonzero(passed)
        rows, weights = sets.members(i)
        peaks = leading_edge_ranks(ranks, rows, weights, motifs, rank_threshold=length)
        for motif, peak in zip(motifs, peaks, strict=True):
            in_edge = ranks[part["row"], motif] <= peak
            regions = sorted(set(part.loc[in_edge, "region"]))
            figures = auc[i, motif], nes[i, motif], int(peak)
            yield kind, name, database.motifs[motif], *figures, regions
        logger.info(
            "%s %s: %d regions in the database, %d enriched motifs",
            kind,
            name,
            len(part),
            len(motifs),
        )
