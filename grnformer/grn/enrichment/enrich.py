"""Motifs enriched in region sets, with the regions that carry the enrichment and the TFs that the motifs stand for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from grnformer.genome.rankings import Database, RankingDatabase

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
    region_sets
        Contract region_sets.
    annotations
        Of `read_annotations`.
    kinds
        Only region sets of these kinds; empty for all.
    auc_threshold
        Share of the database's regions over which the AUC is taken.
    rank_threshold
        Share of the database's regions among which the leading edge is looked for.
    nes_threshold
        Least NES of an enriched motif.
    min_overlap
        Share of either region that must be shared for a region to be one of the database.
    min_regions
        Sets with fewer regions in the database are left out.
    min_mapped
        Least share of the sets' regions that must be in the database.

    Raises
    ------
    InputError
        If the database ranks genes, has none of the annotated motifs or too few of the regions, or no motif is
        enriched in any set.
    """
    import pandas as pd

    from grnformer.grn.enrichment.recovery import check_nes_in_reach

    check_of_regions(database)
    check_nes_in_reach(
        len(database.motifs),
        nes_threshold,
        str(database.path),
        "add motifs to grn.cistromes.motif_scan.motifs (or take a larger database)",
    )
    tfs = tfs_by_motif(annotations, database)
    mapped = map_sets(database, region_sets, kinds, min_overlap, min_regions, min_mapped)
    used = np.unique(np.concatenate([part["row"].to_numpy() for part in mapped.values()]))
    ranks = database.load([database.features[i] for i in used])
    mapped = {key: part.assign(row=np.searchsorted(used, part["row"])) for key, part in mapped.items()}
    table = pd.DataFrame(
        _enriched(mapped, ranks, database, auc_threshold, rank_threshold, nes_threshold), columns=COLUMNS
    )
    if table.empty:
        raise InputError(
            f"no motif of {len(database.motifs)} reaches NES {nes_threshold} in any of {len(mapped)} region sets",
            "enriched motifs",
            "lower grn.cistromes.cistarget.nes_threshold, raise .auc_threshold where the database is small, or use a "
            "larger motif collection: the NES compares motifs with each other",
        )
    return finish_table(table.assign(score=table["nes"]), tfs)


def check_of_regions(database: Database) -> None:
    """Raise InputError unless the database is of regions."""
    if not database.has_regions:
        raise InputError(
            f"{database.path} is of genes such as {database.features[0]!r}",
            "regions such as chr1:100-600",
            "name a regions_vs_motifs database under grn.cistromes, or take the method cistarget_genes",
        )


def map_sets(
    database: Database, region_sets: pd.DataFrame, kinds: Sequence[str], min_overlap: float, min_regions: int,
    min_mapped: float,
) -> dict[tuple[str, str], pd.DataFrame]:  # fmt: skip
    """Kind and name of each set to its regions (column region) and theirs of the database (row, a position in it)."""
    import pandas as pd

    from grnformer.genome.overlap import check_mapped, overlap_regions

    if kinds:
        region_sets = region_sets[region_sets["kind"].isin(set(kinds))]
    regions = pd.Index(region_sets["region"].unique())
    ours, theirs = overlap_regions(regions, database.features, min_overlap=min_overlap)
    check_mapped(len(np.unique(ours)), len(regions), database.features, min_mapped)
    pairs = pd.DataFrame({"region": regions[ours], "row": theirs})
    joined = region_sets[["kind", "set", "region"]].merge(pairs, on="region")
    parts = {(str(kind), str(name)): part for (kind, name), part in joined.groupby(["kind", "set"], sort=True)}
    mapped = {key: part for key, part in parts.items() if part["row"].nunique() >= min_regions}
    if not mapped:
        raise InputError(
            f"none of {len(parts)} region sets has {min_regions} regions in the database",
            "at least one set",
            "lower grn.cistromes.cistarget.min_regions, or binarise topics less strictly (topics.region_sets)",
        )
    if len(mapped) < len(parts):
        logger.info(
            "%d of %d region sets have fewer than %d regions", len(parts) - len(mapped), len(parts), min_regions
        )
    return mapped


def finish_table(table: pd.DataFrame, tfs: dict[str, dict[str, list[str]]]) -> pd.DataFrame:
    """Add the TFs of each motif; sort by set and score (columns kind, set, motif, score), the best first."""
    table["tfs_direct"] = [tfs["direct"].get(motif, []) for motif in table["motif"]]
    table["tfs_extended"] = [tfs["extended"].get(motif, []) for motif in table["motif"]]
    return table.sort_values(["kind", "set", "score", "motif"], ascending=[True, True, False, True], ignore_index=True)


def _enriched(
    mapped: dict[tuple[str, str], pd.DataFrame], ranks: np.ndarray, database: RankingDatabase, auc_threshold: float,
    rank_threshold: float, nes_threshold: float,
) -> list[tuple[object, ...]]:  # fmt: skip
    from grnformer.grn.enrichment.recovery import leading_edge_ranks, make_sets, normalise, recovery_auc

    total = len(database.features)
    length = max(int(rank_threshold * total), 1)
    sets = make_sets({"\t".join(key): part["row"].unique() for key, part in mapped.items()})
    auc = recovery_auc(ranks, sets, total=total, auc_threshold=auc_threshold)
    nes = normalise(auc)
    rows: list[tuple[object, ...]] = []
    for i, ((kind, name), part) in enumerate(mapped.items()):
        motifs = np.flatnonzero((nes[i] >= nes_threshold) & (auc[i] > 0))
        peaks = leading_edge_ranks(ranks, *sets.members(i), motifs, rank_threshold=length)
        for motif, peak in zip(motifs, peaks, strict=True):
            hit = part.loc[ranks[part["row"].to_numpy(), motif] <= peak, "region"]
            rows.append((kind, name, database.motifs[motif], auc[i, motif], nes[i, motif], int(peak), sorted(set(hit))))
        logger.info("%s %s: %d regions in the database, %d enriched motifs", kind, name, len(part), len(motifs))
    return rows


def annotations_of(database: Database, annotations: pd.DataFrame) -> pd.DataFrame:
    """Rows of the motif-to-TF table whose motif is in the database; InputError if there is none."""
    known = annotations[annotations["motif"].isin(set(database.motifs))]
    if known.empty:
        raise InputError(
            f"none of {len(database.motifs)} motifs of {database.path} (such as {database.motifs[0]!r}) stands in the "
            f"motif-to-TF table (such as {annotations['motif'].iloc[0]!r})",
            "a motif-to-TF table of the same motif collection and version",
            "set grn.cistromes.motifs_to_tfs",
        )
    return known


def tfs_by_motif(annotations: pd.DataFrame, database: Database) -> dict[str, dict[str, list[str]]]:
    """Sorted TFs of each motif, annotated directly and otherwise."""
    known = annotations_of(database, annotations)
    direct = known["ground"] == "direct"
    parts = {"direct": known[direct], "extended": known[~direct]}
    return {
        name: {motif: sorted(set(tfs)) for motif, tfs in part.groupby("motif")["tf"]} for name, part in parts.items()
    }
