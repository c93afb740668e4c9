"""Rank of TF-region-gene triplets: how well all three links of a triplet are founded.

As SCENIC+ (doi 10.1038/s41592-023-01938-4): rank ratios of TF-gene importance, region-gene importance and the motif's
rank in the region are joined by order statistics (Aerts et al. 2006, doi 10.1038/nbt1203).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from grnformer.genome.rankings import RankingDatabase

PARTS = ("tf_gene_weight", "region_gene_weight", "tf_region_weight")
_BLOCK = 2000  # regions read from a ranking database at a time


def rank_triplets(triplets: pd.DataFrame) -> pd.Series:
    """Rank triplets, 1 the best founded; direct and extended ones apart.

    Parameters
    ----------
    triplets
        Columns annotation and `PARTS`, higher is better. Ties get their mean rank, and triplets of equal score their
        least: nothing is decided by chance (SCENIC+ samples the order of ties).

    Returns
    -------
    int64, by the index of `triplets`.
    """
    import pandas as pd

    ranks = pd.Series(0, index=triplets.index, dtype="int64")
    for _, part in triplets.groupby("annotation"):
        # from 1 / n for the best of n to 1
        ratios = part[list(PARTS)].rank(ascending=False, pct=True).to_numpy()
        score = pd.Series(join_rank_ratios(ratios), index=part.index)
        # rounded: scores that are equal but for the last digits share a rank
        ranks[part.index] = score.round(12).rank(method="min").astype("int64")
    return ranks


def join_rank_ratios(ratios: np.ndarray) -> np.ndarray:
    """Chance that all order statistics of as many uniform samples lie below those of the given ratios.

    Parameters
    ----------
    ratios
        Rows x sources, in (0, 1]; small is good.

    Returns
    -------
    One a row, in (0, 1].
    """
    rising = np.sort(ratios, axis=1)
    n = rising.shape[1]
    # V_0 = 1, V_k = sum over i = 1..k of (-1)^(i-1) V_(k-i) / i! r_(n-k+1)^i; the chance is n! V_n
    joined = [np.ones(len(rising))]
    for k in range(1, n + 1):
        term, total = np.ones(len(rising)), np.zeros(len(rising))
        for i in range(1, k + 1):
            term = term * rising[:, n - k] / i  # r^i / i!
            total += (-1) ** (i - 1) * joined[k - i] * term
        joined.append(total)
    return joined[n] * np.prod(np.arange(1, n + 1))


def score_sites(
    cistromes: pd.DataFrame, enrichment: pd.DataFrame, database: RankingDatabase
) -> np.ndarray:
    """How well the motifs of a TF rank each region of its cistrome among all regions.

    Parameters
    ----------
    cistromes
        Contract cistromes.
    enrichment
        Contract motif_enrichment: which motifs stand for a TF.
    database
        Rankings of regions.

    Returns
    -------
    One a row of `cistromes`: 1 less the best rank of a motif that stands for the TF (extended rows: by any evidence)
    over the number of regions; 0 for a region that is not in the database.
    """
    import pandas as pd

    from grnformer.genome.regions import overlap_regions

    motifs_of = _motifs_of(cistromes["tf"].unique(), enrichment, database)
    regions = pd.Index(cistromes["region"].unique())
    row_region = regions.get_indexer(cistromes["region"])
    ours, theirs = overlap_regions(regions, database.features, min_overlap=0.0)

    score = np.zeros(len(cistromes))
    # Rankings of all regions may not fit into memory: some regions at a time.
    for low in range(0, len(regions), _BLOCK):
        inside = (ours >= low) & (ours < low + _BLOCK)
        used, place = np.unique(theirs[inside], return_inverse=True)
        if not len(used):
            continue
        ranks = database.load([database.features[i] for i in used])
        # over the database's regions that ours overlaps
        best = pd.DataFrame(ranks[place]).groupby(ours[inside]).min()

        rows = np.flatnonzero(np.isin(row_region, best.index))
        for key, places in (
            cistromes.iloc[rows].groupby(["tf", "annotation"]).indices.items()
        ):
            at, motifs = rows[places], motifs_of[key]
            if motifs:
                found = best.loc[row_region[at], motifs].to_numpy().min(axis=1)
                score[at] = 1 - found / len(database.features)
    return score


def _motifs_of(
    tfs: Iterable[str], enrichment: pd.DataFrame, database: RankingDatabase
) -> dict[tuple[str, str], list[int]]:
    """Columns of the motifs that stand for each TF: (TF, annotation) -> numbers; extended ones have the direct, too."""
    column = {motif: i for i, motif in enumerate(database.motifs)}
    motifs: dict[str, dict[str, set[int]]] = {}
    for annotation in ("direct", "extended"):
        pairs = (
            enrichment[["motif", f"tfs_{annotation}"]]
            .explode(f"tfs_{annotation}")
            .dropna()
        )
        by_tf = pairs["motif"].map(column).groupby(pairs[f"tfs_{annotation}"])
        motifs[annotation] = by_tf.agg(set).to_dict()

    found = {}
    for tf in tfs:
        direct = motifs["direct"].get(tf, set())
        found[tf, "direct"] = sorted(direct)
        found[tf, "extended"] = sorted(direct | motifs["extended"].get(tf, set()))
    return found
