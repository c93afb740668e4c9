"""Motifs whose scores are higher in a region set than in its background, as pycistarget's DEM tests them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from numba import njit, prange

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from grnformer.genome.rankings import ScoreDatabase

logger = logging.getLogger(__name__)

_ALMOST_NOTHING = 1e-12  # added to mean scores, so that a motif without a site has a fold change
COLUMNS = ["kind", "set", "motif", "log2_fold_change", "adjusted_p", "mean_foreground", "mean_background",
           "hit_threshold", "regions"]  # fmt: skip


def contrast_regions(
    database: ScoreDatabase,
    region_sets: pd.DataFrame,
    annotations: pd.DataFrame,
    tss: pd.DataFrame,
    *,
    kinds: Sequence[str],
    background: str,
    max_background: int | None,
    promoter: int | None,
    correct_ties: bool,
    adjusted_p: float,
    log2_fold_change: float,
    min_mean: float,
    hit_threshold: float | None,
    min_overlap: float,
    min_regions: int,
    min_mapped: float,
    seed: int,
) -> pd.DataFrame:
    """Return the motifs that score higher in each region set than in its background (contract motif_enrichment).

    As pycistarget's DEM (Bravo Gonzalez-Blas et al. 2023, doi 10.1038/s41592-023-01938-4): a rank-sum test of the
    scores (normal approximation, two-sided), adjusted over motifs by Benjamini and Hochberg,
    and the ratio of mean scores. Regions of the set with a score above a threshold have the motif.

    Parameters
    ----------
    database
        Scores of regions.
    region_sets
        Contract region_sets.
    annotations
        Of `read_annotations`.
    tss
        Contract tss.
    kinds
        Only region sets of these kinds; empty for all.
    background
        ``sets``: regions of the other sets of the same kind, or, where there are none, of all others; ``database``: all
        regions of the database. Never those of the set itself.
    max_background
        Regions drawn at most; None for all.
    promoter
        Regions up to this many bp from a TSS are promoters: the background has no greater fraction of promoters than
        the set, if need be by having fewer regions. None: any fraction.
    correct_ties
        Take the variance of rank sums that ties leave; pycistarget does not: little is seen where most have no site.
    adjusted_p, log2_fold_change, min_mean
        Largest adjusted p, least log2 fold change and least mean score in the set.
    hit_threshold
        Score above which a region has the motif; None: what tells set from background best among scores above 0 (by
        Youden's index).
    min_overlap, min_regions, min_mapped
        See `enrich_regions`. A set whose background has fewer than `min_regions` is tested with a warning; a set
        without background is left out with one.

    Raises
    ------
    InputError
        If the database is of genes, has none of the annotated motifs or too few of the regions, no set has a
        background, or no motif passes in any set.
    """
    import pandas as pd
    from scipy.stats import false_discovery_control

    from grnformer.grn.enrichment.enrich import check_of_regions, finish_table, map_sets, tfs_by_motif

    check_of_regions(database)
    if background not in ("sets", "database"):
        raise InputError(f"grn.cistromes.dem.background is {background!r}", "sets or database", "correct the config")
    tfs = tfs_by_motif(annotations, database)
    mapped = map_sets(database, region_sets, kinds, min_overlap, min_regions, min_mapped)
    near = np.zeros(len(database.features), bool) if promoter is None else near_tss(database.features, tss, promoter)
    grounds = {}
    for (kind, name), part in mapped.items():
        rest = {key: part["row"].to_numpy() for key, part in mapped.items() if key != (kind, name)}
        others = [rows_of for (k, _), rows_of in rest.items() if k == kind] or list(rest.values())
        candidates = np.arange(len(near)) if background == "database" else np.concatenate([np.zeros(0, int), *others])
        rng = np.random.default_rng([seed, crc32(f"{kind}\t{name}".encode())])
        chosen = draw_background(part["row"].to_numpy(), candidates, near, max_background, rng)
        if not len(chosen):
            logger.warning("%s %s is left out: no region is its background", kind, name)
            continue
        if len(chosen) < min_regions:
            logger.warning("%s %s: only %d regions are its background; few motifs can pass", kind, name, len(chosen))
        grounds[kind, name] = chosen
    if not grounds:
        raise InputError(
            f"none of {len(mapped)} region sets has a background",
            "regions outside the set, with no greater fraction of promoters than in the set",
            "set grn.cistromes.dem.background to database, or .promoter to null",
        )
    rows = []
    for key in grounds:
        part = mapped[key]
        own = np.unique(part["row"].to_numpy())
        place = {row: i for i, row in enumerate(own)}
        inside, outside = (
            np.ascontiguousarray(database.load([database.features[i] for i in rows_of]).T)
            for rows_of in (own, grounds[key])
        )
        p_value = rank_sum_p(inside, outside, correct_ties=correct_ties)
        adjusted = false_discovery_control(p_value)
        means = [scores.mean(axis=1, dtype=np.float64) for scores in (inside, outside)]
        change = np.log2((means[0] + _ALMOST_NOTHING) / (means[1] + _ALMOST_NOTHING))
        passed = (adjusted <= adjusted_p) & (change >= log2_fold_change) & (means[0] >= min_mean)
        for m in np.flatnonzero(passed):
            least = best_threshold(inside[m], outside[m]) if hit_threshold is None else hit_threshold
            hit = inside[m][part["row"].map(place).to_numpy()] > least
            regions = sorted(set(part.loc[hit, "region"]))
            figures = (change[m], adjusted[m], means[0][m], means[1][m], float(least))
            rows.append((*key, database.motifs[m], *figures, regions))
        logger.info(
            "%s %s: %d regions against %d, %d motifs", *key, len(own), len(grounds[key]), np.count_nonzero(passed)
        )
    if not rows:
        raise InputError(
            f"no motif of {len(database.motifs)} differs in any of {len(mapped)} region sets: log2 fold change "
            f"{log2_fold_change}, adjusted p {adjusted_p}",
            "motifs that score higher in a set than in its background",
            "loosen grn.cistromes.dem.log2_fold_change or .adjusted_p, or raise .max_background",
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    return finish_table(table.assign(score=np.maximum(table["log2_fold_change"], 0)), tfs)


def near_tss(regions: Sequence[str], tss: pd.DataFrame, reach: int) -> np.ndarray:
    """Whether each region lies up to `reach` bp from a transcription start site (contract tss)."""
    import pandas as pd

    from grnformer.genome.regions import parse_regions

    places = parse_regions(pd.Index(regions).str.replace(r"^\w+__", "", regex=True), "score database")
    near = np.zeros(len(places), bool)
    sites = {chrom: np.sort(part.to_numpy()) for chrom, part in tss.groupby("chrom")["tss"]}
    for chrom, rows in places.groupby("chrom", sort=False).indices.items():
        if chrom in sites:
            first = np.searchsorted(sites[chrom], places["start"].to_numpy()[rows] - reach)
            last = np.searchsorted(sites[chrom], places["end"].to_numpy()[rows] + reach)
            near[rows] = last > first
    return near


def draw_background(
    own: np.ndarray, candidates: np.ndarray, near: np.ndarray, at_most: int | None, rng: np.random.Generator
) -> np.ndarray:
    """Draw the background of a region set, in which the fraction of promoters is never greater than in the set.

    Parameters
    ----------
    own
        Rows of the database that are the set's; none is drawn.
    candidates
        Rows to draw from.
    near
        Whether each row of the database is a promoter.
    at_most
        Regions to draw; None for all. Fewer are drawn where promoters or other regions are few.

    Returns
    -------
    Rows in ascending order, each once; possibly none.
    """
    own = np.unique(own)
    own_promoters = int(near[own].sum())
    own_rest = len(own) - own_promoters
    others = np.setdiff1d(candidates, own)
    promoters, rest = others[near[others]], others[~near[others]]

    # counts, not fractions: a rounded fraction could let one promoter too many pass
    wanted = len(others) if at_most is None else min(at_most, len(others))
    n_promoters = wanted * own_promoters // len(own)
    n_rest = min(wanted - n_promoters, len(rest))
    if own_rest:
        # where other regions are few, promoters must be few too: at most own_promoters for own_rest of them
        n_promoters = min(n_promoters, n_rest * own_promoters // own_rest)

    drawn = rng.permutation(promoters)[:n_promoters], rng.permutation(rest)[:n_rest]
    return np.sort(np.concatenate(drawn))


def best_threshold(inside: np.ndarray, outside: np.ndarray) -> float:
    """Score above which a set is told from its background best (Youden's index), looking at scores above 0 alone.

    It is the highest score that is left out, 0 where none is. pycistarget takes the lowest that the index takes in, and
    then only what is above that: of regions with one site of the same word, whose scores are equal, it loses all.
    """
    from sklearn.metrics import roc_curve

    inside, outside = inside[inside > 0], outside[outside > 0]
    if not len(inside) or not len(outside):
        return 0.0
    labels, scores = np.repeat([1, 0], [len(inside), len(outside)]), np.concatenate([inside, outside])
    false, true, thresholds = roc_curve(labels, scores)
    best = int(np.argmax(true - false))
    return float(scores[scores < thresholds[best]].max(initial=0)) if best else 0.0  # the first takes in nothing


def rank_sum_p(inside: np.ndarray, outside: np.ndarray, *, correct_ties: bool) -> np.ndarray:
    """Two-sided p of the rank-sum test for each row: motifs x regions of the set and of its background."""
    from scipy.stats import norm

    return 2 * norm.sf(np.abs(_rank_sum_z(inside, outside, correct_ties)))


@njit(parallel=True, cache=True)
def _rank_sum_z(inside: np.ndarray, outside: np.ndarray, correct_ties: bool) -> np.ndarray:  # pragma: no cover
    """Z of the sum of the ranks of `inside`, equals by their mean rank."""
    n, m = inside.shape[1], outside.shape[1]
    z = np.empty(inside.shape[0])
    for i in prange(inside.shape[0]):
        together = np.concatenate((inside[i], outside[i]))
        order = np.argsort(together, kind="mergesort")
        total, tied, start = 0.0, 0.0, 0
        while start < n + m:
            stop, members = start, 0
            while stop < n + m and together[order[stop]] == together[order[start]]:
                if order[stop] < n:
                    members += 1
                stop += 1
            total += members * (start + stop + 1) / 2.0
            size = float(stop - start)
            tied += size * (size * size - 1.0)
            start = stop
        expected = n * (n + m + 1) / 2.0
        width = float(n + m + 1)
        if correct_ties:
            width -= tied / ((n + m) * (n + m - 1.0))
        z[i] = (total - expected) / np.sqrt(n * m * width / 12.0) if width > 0 else 0.0
    return z
