"""What the tests of motifs in region sets share: sets as rows of a database, and the TFs that motifs stand for."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.genome.rankings import Database
from grnformer.genome.regions import overlap_regions

logger = logging.getLogger(__name__)


def map_sets(
    database: Database,
    region_sets: pd.DataFrame,
    kinds: Sequence[str],
    min_overlap: float,
    min_regions: int,
    min_mapped: float,
) -> dict[tuple[str, str], pd.DataFrame]:
    """Map region sets to a database's regions.

    Parameters
    ----------
    region_sets
        Contract region_sets.
    kinds
        Only region sets of these kinds; empty for all.
    min_overlap
        Fraction of the shorter region that two regions must share to be the same.
    min_regions
        Sets with fewer regions in the database are left out.
    min_mapped
        Least fraction of the sets' regions that must be in the database.

    Returns
    -------
    Kind and name of each set to its regions (column region) and their positions in the database (row).

    Raises
    ------
    InputError
        If too few regions are in the database, or no set is left.
    """
    if kinds:
        is_wanted = region_sets["kind"].isin(kinds)
        region_sets = region_sets[is_wanted]

    # a region may be in many sets: each is looked up once
    regions = pd.Index(region_sets["region"].unique())
    ours, theirs = overlap_regions(regions, database.features, min_overlap=min_overlap)
    n_mapped = len(np.unique(ours))
    _check_mapped(n_mapped, len(regions), database, min_mapped)

    pairs = pd.DataFrame({"region": regions[ours], "row": theirs})
    joined = region_sets[["kind", "set", "region"]].merge(pairs, on="region")
    sets = dict(iter(joined.groupby(["kind", "set"], sort=True)))

    # by the database's regions: several narrow ones of a set may be one there
    mapped = {
        key: part for key, part in sets.items() if part["row"].nunique() >= min_regions
    }
    if not mapped:
        raise InputError(
            f"none of {len(sets)} region sets has {min_regions} regions in the database",
            "at least one set",
            "lower grn.cistromes.cistarget.min_regions, or binarise topics less strictly (topics.region_sets)",
        )

    n_left_out = len(sets) - len(mapped)
    if n_left_out:
        logger.info(
            "%d of %d region sets have fewer than %d regions",
            n_left_out,
            len(sets),
            min_regions,
        )
    return mapped


def _check_mapped(
    n_mapped: int, n_regions: int, database: Database, min_mapped: float
) -> None:
    if n_mapped < min_mapped * n_regions or n_mapped == 0:
        raise InputError(
            f"{n_mapped} of {n_regions} regions of the region sets overlap a region of the ranking database "
            f"(its regions are such as {database.features[0]!r})",
            f"at least {min_mapped:.0%}: the same genome build and chromosome names",
            "take a database of this genome, lower grn.cistromes.cistarget.min_mapped, or rank the dataset's regions "
            "with grn.cistromes.method: motif_scan",
        )


def annotations_of(database: Database, annotations: pd.DataFrame) -> pd.DataFrame:
    """Rows of the motif-to-TF table whose motif is in the database; InputError if there is none."""
    known = annotations[annotations["motif"].isin(database.motifs)]
    if known.empty:
        raise InputError(
            f"none of {len(database.motifs)} motifs of {database.path} (such as {database.motifs[0]!r}) stands in the "
            f"motif-to-TF table (such as {annotations['motif'].iloc[0]!r})",
            "a motif-to-TF table of the same motif collection and version",
            "set grn.cistromes.motifs_to_tfs",
        )
    return known


def finish_table(table: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """Add the TFs of each motif; sort by set and score (columns kind, set, motif, score), the best first.

    Parameters
    ----------
    annotations
        Of `annotations_of`.
    """
    is_direct = annotations["evidence"] == "direct"
    table["tfs_direct"] = _tfs_of(table["motif"], annotations[is_direct])
    table["tfs_extended"] = _tfs_of(table["motif"], annotations[~is_direct])

    # by name last: the order of equal scores is fixed
    return table.sort_values(
        ["kind", "set", "score", "motif"],
        ascending=[True, True, False, True],
        ignore_index=True,
    )


def _tfs_of(motifs: pd.Series, annotations: pd.DataFrame) -> list[list[str]]:
    """Sorted TFs of each motif by some rows of the motif-to-TF table."""
    by_motif = annotations.groupby("motif")["tf"]
    tfs = {motif: sorted(set(of_motif)) for motif, of_motif in by_motif}
    return [tfs.get(motif, []) for motif in motifs]
