"""Log odds that a TF binds a gene's promoter: occupancy of its motifs, against background sequences."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

import numpy as np
import pandas as pd

from grnformer.genome.collections import Motif
from grnformer.genome.occupancy_kernel import AT_ONCE, make_words, occupancies
from grnformer.genome.promoters import Promoters, draw_background
from grnformer.genome.target_tables import count_tables, read_target_tables

logger = logging.getLogger(__name__)

#: In place of a motif, for a pair that only tables of targets hold.
NO_MOTIF = "table"


def score_promoters(
    promoters: Promoters | None,
    motifs: Sequence[Motif],
    genes: list[str],
    listed: pd.DataFrame | None = None,
    *,
    n_bins: int,
    min_log_odds: float,
    table_log_odds: float,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score every TF at every gene with a promoter, or with a place in a table of targets.

    A motif's occupancy of a promoter is the log of the odds against background, summed over positions and strands
    (Granek & Clarke 2005, doi 10.1186/gb-2005-6-10-r87): many weak sites count as much as a strong one. How much an
    occupancy says is learnt from the sequences only: the fraction of promoters among promoters and background
    sequences of that occupancy, made monotone. So a motif that is as frequent in background as in promoters (of a TF
    that binds enhancers, say) has log odds near 0 everywhere, and no threshold of occupancy is needed.

    Parameters
    ----------
    promoters
        Of `genes`; None: only tables of targets speak.
    motifs
        As ``read_collections`` gives them.
    listed
        Pairs of ``read_target_tables``; None: none. Each table that lists a pair adds `table_log_odds` to it.
    n_bins
        Groups of equal size by which occupancies are distinguished.
    min_log_odds
        Least log odds of a pair in the second table.
    table_log_odds
        Natural log odds.
    seed
        Of the background sequences.

    Returns
    -------
    Natural log odds of the best of a TF's motifs at the best of a gene's promoters, and of tables: of all (contract
    ``promoter_binding``), and of the pairs that reach `min_log_odds`, with that motif (contract ``promoter_targets``).
    A TF without motifs, and a gene without promoter, has log odds of 0 but for tables.
    """
    if listed is None:
        listed = read_target_tables([], genes)
    tfs = sorted({tf for motif in motifs for tf in motif.tfs} | set(listed["tf"]))
    # nothing speaks for or against what no motif or sequence is known of
    odds = np.zeros((len(tfs), len(genes)), dtype=np.float32)
    motif = np.full(odds.shape, len(motifs))
    with_promoter = np.zeros(0, dtype=np.int64)
    if promoters is not None:
        with_promoter, row = np.unique(promoters.gene, return_inverse=True)
        of_motifs, best = _best_odds(promoters.codes, row, motifs, tfs, n_bins, seed)
        odds[:, with_promoter] = np.where(np.isfinite(of_motifs), of_motifs, 0)
        motif[:, with_promoter] = np.where(np.isfinite(of_motifs), best, len(motifs))
    odds += np.float32(table_log_odds) * count_tables(listed, tfs, genes)

    scored = np.union1d(with_promoter, pd.Index(genes).get_indexer(listed["gene"]))
    logger.info(
        "promoter binding: %d TFs, %d genes, %d motifs, %d pairs of tables",
        len(tfs),
        len(scored),
        len(motifs),
        len(listed),
    )

    gene_names = np.array(genes, dtype=object)
    binding = pd.DataFrame(odds[:, scored].T, columns=tfs)
    binding.insert(0, "gene", gene_names[scored])

    t, g = np.nonzero(odds >= min_log_odds)
    motif_names = np.array([*(each.name for each in motifs), NO_MOTIF], dtype=object)
    targets = pd.DataFrame(
        {
            "tf": np.array(tfs, dtype=object)[t],
            "gene": gene_names[g],
            "motif": motif_names[motif[t, g]],
            "log_odds": odds[t, g],
        }
    )
    return binding, targets


def _best_odds(
    promoters: np.ndarray,
    row: np.ndarray,
    motifs: Sequence[Motif],
    tfs: list[str],
    n_bins: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Log odds (TFs, genes) of the best motif and promoter, and the number of that motif.

    `row` is each promoter's gene.
    """
    background = draw_background(promoters, np.random.default_rng(seed))
    codes = np.concatenate([promoters, background])
    known = promoters[promoters >= 0]
    base = np.bincount(known, minlength=4) / len(known)

    n_genes = row.max() + 1
    odds = np.full((len(tfs), n_genes), -np.inf, dtype=np.float32)
    best = np.zeros(odds.shape, dtype=np.int32)
    column = {tf: number for number, tf in enumerate(tfs)}

    matrices = [motif.matrix for motif in motifs]
    for number, found in _occupancies(matrices, codes, base):
        in_promoters, in_background = np.split(found, 2)
        of_promoter = background_odds(in_promoters, in_background, n_bins=n_bins)

        of_gene = np.full(n_genes, -np.inf, dtype=np.float32)
        # a gene may have several promoters: indexing would keep the last, not the best
        np.maximum.at(of_gene, row, of_promoter.astype(np.float32))
        for tf in motifs[number].tfs:
            t = column[tf]
            # of equal ones the first
            better = (of_gene > odds[t]) | ((of_gene == odds[t]) & (number < best[t]))
            odds[t, better] = of_gene[better]
            best[t, better] = number
    return odds, best


def background_odds(
    in_promoters: np.ndarray, in_background: np.ndarray, *, n_bins: int
) -> np.ndarray:
    """Log odds of being a promoter rather than background, as a function of occupancy that never falls.

    Parameters
    ----------
    in_promoters, in_background
        Occupancies, (promoters,) and (sequences,), any scale; as many of both.

    Returns
    -------
    (promoters,).
    """
    from scipy.optimize import isotonic_regression

    # quantiles of both together: bins of equal size, whatever the scale of the occupancy; equal ones are one
    both = np.concatenate([in_promoters, in_background])
    order = np.argsort(both)
    ordered = both[order]
    levels = np.arange(1, n_bins) / n_bins
    edges = np.unique(_quantiles(ordered, levels))

    # by the edges' places among the values: to look up each value among the edges takes ten times as long
    starts = np.searchsorted(ordered, edges)
    bins_of_both = np.empty(len(both), dtype=np.int64)
    bins_of_both[order] = np.cumsum(np.bincount(starts, minlength=len(both)))
    bins, background_bins = np.split(bins_of_both, [len(in_promoters)])

    # one of each in every bin: no odds are infinite
    n = len(edges) + 1
    real = np.bincount(bins, minlength=n) + 1.0
    drawn = np.bincount(background_bins, minlength=n) + 1.0
    total = real + drawn

    # More occupancy is never less evidence: what falls between neighbouring bins is chance, and is averaged out.
    fraction = isotonic_regression(real / total, weights=total).x
    odds = np.log(fraction / (1 - fraction))
    return odds[bins]


def _quantiles(ordered: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """As ``np.quantile``, of values in order, (levels,)."""
    place = levels * (len(ordered) - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    share = place - below
    step = ordered[above] - ordered[below]
    # from the nearer of both
    return np.where(
        share < 0.5,
        ordered[below] + step * share,
        ordered[above] - step * (1 - share),
    )


def _occupancies(
    matrices: list[np.ndarray], codes: np.ndarray, base: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """Number of each motif and its occupancy (sequences,), motifs of one length together.

    Sites that overlap an end by up to a third count with the bases there.
    """
    longest = max(map(len, matrices))
    words = make_words(codes, longest)
    numbers = sorted(range(len(matrices)), key=lambda number: len(matrices[number]))
    for _, alike in groupby(numbers, key=lambda number: len(matrices[number])):
        while together := list(islice(alike, AT_ONCE)):
            odds = [matrices[number] / base for number in together]
            found = occupancies(odds, words, longest, codes.shape[1])
            yield from zip(together, found, strict=True)
