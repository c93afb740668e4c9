"""Motifs whose scores are higher in a region set than in its background, as pycistarget's DEM tests them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import pandas as pd
from numba import njit, prange

from grnformer.core.errors import InputError
from grnformer.genome.intervals import holds_tss
from grnformer.genome.rankings import ScoreDatabase
from grnformer.genome.regions import parse_database_regions
from grnformer.grn.enrichment.sets import annotations_of, finish_table, map_sets

logger = logging.getLogger(__name__)

# added to mean scores, so that a motif without a site has a fold change
_PSEUDO_SCORE = 1e-12
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
    region_sets, kinds, min_overlap, min_regions, min_mapped
        See `grnformer.grn.enrichment.sets.map_sets`. A set whose background has fewer than `min_regions` is tested with
        a warning; a set without background is left out with one.
    annotations
        Of `read_annotations`.
    tss
        Contract tss.
    background
        ``sets``: regions of the other sets of the same kind, or, where there are none, of all others; ``database``: all
        regions of the database. Never those of the set itself.
    max_background
        Regions drawn at most; None for all.
    promoter
        Regions up to this many bp from a TSS are promoters: the background has no greater fraction of promoters than
        the set, if need be by having fewer regions. None: any fraction.
    correct_ties
        Take the variance of rank sums that ties leave. pycistarget does not, which costs power where most regions have
        no site.
    adjusted_p, log2_fold_change, min_mean
        Largest adjusted p, least log2 fold change and least mean score in the set.
    hit_threshold
        Score above which a region has the motif; None: the best by `best_threshold`.

    Raises
    ------
    InputError
        If the database is of genes, has none of the annotated motifs or too few of the regions, no set has a
        background, or no motif passes in any set.
    """
    from scipy.stats import false_discovery_control

    database.check_regions()
    annotations = annotations_of(database, annotations)
    mapped = map_sets(
        database, region_sets, kinds, min_overlap, min_regions, min_mapped
    )

    near = _find_promoters(database, tss, promoter)
    rows_of_sets = {key: part["row"].to_numpy() for key, part in mapped.items()}
    backgrounds = _draw_backgrounds(
        rows_of_sets, near, background, max_background, min_regions, seed
    )

    rows: list[tuple[object, ...]] = []
    for key, outside_rows in backgrounds.items():
        part = mapped[key]
        inside_rows = np.unique(rows_of_sets[key])
        inside = _load_scores(database, inside_rows)
        outside = _load_scores(database, outside_rows)

        p = rank_sum_p(inside, outside, correct_ties=correct_ties)
        adjusted = false_discovery_control(p)

        # in float64: a sum of many float32 scores loses digits
        mean_in = inside.mean(axis=1, dtype=np.float64)
        mean_out = outside.mean(axis=1, dtype=np.float64)
        ratio = (mean_in + _PSEUDO_SCORE) / (mean_out + _PSEUDO_SCORE)
        change = np.log2(ratio)

        passed = (adjusted <= adjusted_p) & (change >= log2_fold_change)
        passed &= mean_in >= min_mean

        # a region of the set may lie in several of the database, and be in the table once for each
        column = np.searchsorted(inside_rows, part["row"])
        for m in np.flatnonzero(passed):
            least = hit_threshold
            if least is None:
                least = best_threshold(inside[m], outside[m])
            has_motif = inside[m][column] > least
            regions = sorted(set(part.loc[has_motif, "region"]))
            figures = change[m], adjusted[m], mean_in[m], mean_out[m], float(least)
            rows.append((*key, database.motifs[m], *figures, regions))
        logger.info(
            "%s %s: %d regions against %d, %d motifs",
            *key,
            len(inside_rows),
            len(outside_rows),
            passed.sum(),
        )

    if not rows:
        raise InputError(
            f"no motif of {len(database.motifs)} differs in any of {len(mapped)} region sets: log2 fold change "
            f"{log2_fold_change}, adjusted p {adjusted_p}",
            "motifs that score higher in a set than in its background",
            "loosen grn.cistromes.dem.log2_fold_change or .adjusted_p, or raise .max_background",
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["score"] = table["log2_fold_change"].clip(lower=0)
    return finish_table(table, annotations)


def _find_promoters(
    database: ScoreDatabase, tss: pd.DataFrame, margin: int | None
) -> np.ndarray:
    """Whether each region of the database lies up to `margin` bp from a TSS; none does where that is None."""
    if margin is None:
        return np.zeros(len(database.features), bool)
    regions = parse_database_regions(database.features, "score database")
    return holds_tss(regions, tss, margin=margin)


def _load_scores(database: ScoreDatabase, rows: np.ndarray) -> np.ndarray:
    """Scores of some regions, motifs x regions."""
    features = [database.features[row] for row in rows]
    scores = database.load(features)

    # the test goes through one motif after the other
    return np.ascontiguousarray(scores.T)


def _draw_backgrounds(
    rows_of_sets: dict[tuple[str, str], np.ndarray],
    near: np.ndarray,
    background: str,
    max_background: int | None,
    min_regions: int,
    seed: int,
) -> dict[tuple[str, str], np.ndarray]:
    """Rows of the background of each set that has one."""
    if background not in ("sets", "database"):
        raise InputError(
            f"grn.cistromes.dem.background is {background!r}",
            "sets or database",
            "correct the config",
        )

    backgrounds = {}
    for (kind, name), rows in rows_of_sets.items():
        candidates = np.arange(len(near))
        if background == "sets":
            candidates = _other_rows(rows_of_sets, kind, name)

        # a stream for each set: sets that come or go leave the others as they are
        stream = crc32(f"{kind}\t{name}".encode())
        rng = np.random.default_rng([seed, stream])
        chosen = draw_background(rows, candidates, near, max_background, rng)
        if not len(chosen):
            logger.warning("%s %s is left out: no region is its background", kind, name)
            continue
        if len(chosen) < min_regions:
            logger.warning(
                "%s %s: only %d regions are its background; few motifs can pass",
                kind,
                name,
                len(chosen),
            )
        backgrounds[kind, name] = chosen

    if not backgrounds:
        raise InputError(
            f"none of {len(rows_of_sets)} region sets has a background",
            "regions outside the set, with no greater fraction of promoters than in the set",
            "set grn.cistromes.dem.background to database, or .promoter to null",
        )
    return backgrounds


def _other_rows(
    rows_of_sets: dict[tuple[str, str], np.ndarray], kind: str, name: str
) -> np.ndarray:
    """Rows of the other sets of the same kind or, where there are none, of all others."""
    others = {key: rows for key, rows in rows_of_sets.items() if key != (kind, name)}
    same_kind = [rows for key, rows in others.items() if key[0] == kind]
    chosen = same_kind or list(others.values())

    # the empty array stands for no other set at all
    return np.concatenate([np.zeros(0, int), *chosen])


def draw_background(
    rows: np.ndarray,
    candidates: np.ndarray,
    near: np.ndarray,
    at_most: int | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw the background of a region set, in which the fraction of promoters is never greater than in the set.

    Parameters
    ----------
    rows
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
    rows = np.unique(rows)
    promoters_of_set = int(near[rows].sum())
    rest_of_set = len(rows) - promoters_of_set
    others = np.setdiff1d(candidates, rows)
    is_promoter = near[others]
    promoters = others[is_promoter]
    rest = others[~is_promoter]

    wanted = len(others)
    if at_most is not None:
        wanted = min(at_most, wanted)

    # counts, not fractions: a rounded fraction could let one promoter too many pass
    n_promoters = wanted * promoters_of_set // len(rows)
    n_rest = min(wanted - n_promoters, len(rest))
    if rest_of_set:
        # where other regions are few, promoters must be few too: promoters_of_set for every rest_of_set
        n_promoters = min(n_promoters, n_rest * promoters_of_set // rest_of_set)

    drawn_promoters = rng.permutation(promoters)[:n_promoters]
    drawn_rest = rng.permutation(rest)[:n_rest]
    drawn = np.concatenate([drawn_promoters, drawn_rest])
    return np.sort(drawn)


def best_threshold(inside: np.ndarray, outside: np.ndarray) -> float:
    """Score above which a region is best called one of the set (Youden's index), among scores above 0.

    It is the highest score that is left out, 0 where none is. pycistarget takes the lowest that the index takes in, and
    then only what is above that: of regions with one site of the same word, whose scores are equal, it loses all.
    """
    from sklearn.metrics import roc_curve

    inside = inside[inside > 0]
    outside = outside[outside > 0]
    if not len(inside) or not len(outside):
        return 0.0

    labels = np.repeat([1, 0], [len(inside), len(outside)])
    scores = np.concatenate([inside, outside])
    false, true, thresholds = roc_curve(labels, scores)
    best = np.argmax(true - false)

    # the first threshold of a ROC curve is infinite and takes in nothing
    if best == 0:
        return 0.0
    left_out = scores[scores < thresholds[best]]
    return float(left_out.max(initial=0))


def rank_sum_p(
    inside: np.ndarray, outside: np.ndarray, *, correct_ties: bool
) -> np.ndarray:
    """Two-sided p of the rank-sum test for each row: motifs x regions of the set and of its background."""
    from scipy.stats import norm

    z = _rank_sum_z(inside, outside, correct_ties)

    # the upper tail by itself: 1 - cdf would round small p to 0
    return 2 * norm.sf(np.abs(z))


@njit(parallel=True, cache=True)
def _rank_sum_z(
    inside: np.ndarray, outside: np.ndarray, correct_ties: bool
) -> np.ndarray:  # pragma: no cover
    """Z of the sum of the ranks of `inside`, equals by their mean rank."""
    n, m = inside.shape[1], outside.shape[1]
    z = np.empty(inside.shape[0])
    for i in prange(inside.shape[0]):
        together = np.concatenate((inside[i], outside[i]))
        order = np.argsort(together, kind="mergesort")

        # one run of equal scores after the other: each of its members has the run's mean rank
        total = 0.0
        tied = 0.0
        start = 0
        while start < n + m:
            score = together[order[start]]
            stop = start
            members = 0
            while stop < n + m and together[order[stop]] == score:
                if order[stop] < n:
                    members += 1
                stop += 1

            # ranks from start + 1 to stop
            total += members * (start + stop + 1) / 2.0
            size = float(stop - start)
            tied += size * (size * size - 1.0)
            start = stop

        # Ties narrow the sums that chance gives: a run of t equals takes t^3 - t from the variance of N distinct
        # ranks, which is n m (N + 1) / 12.
        expected = n * (n + m + 1) / 2.0
        width = float(n + m + 1)
        if correct_ties:
            width -= tied / ((n + m) * (n + m - 1.0))

        # no variance is left where all scores are equal: nothing differs
        z[i] = (total - expected) / np.sqrt(n * m * width / 12.0) if width > 0 else 0.0
    return z
