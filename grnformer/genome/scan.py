"""Rankings and scores of regions by their motif sites, found by FIMO's method (memelite)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np

from grnformer.core.errors import InputError
from grnformer.genome.sequence import one_hot, pad

logger = logging.getLogger(__name__)

_BASES_AT_ONCE = 5_000_000
_MATRICES_AT_ONCE = 200


def scan_regions(
    motifs: dict[str, list[np.ndarray]],
    sequences: Sequence[np.ndarray],
    *,
    max_p: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Rank and score regions by the motif sites in them, both strands.

    A region's score is the log of the summed odds of its sites, so that several sites count for more than only the
    best one (as in Cluster-Buster, Frith et al. 2003, doi 10.1093/nar/gkg540); sites by FIMO (Grant et al. 2011, doi
    10.1093/bioinformatics/btr064). Of several matrices of one motif the best counts. Regions without a site, and
    equals, are put in random order: by place in the genome they would not be exchangeable.

    Parameters
    ----------
    motifs
        Name to matrices, positions x 4, of probabilities.
    sequences
        Codes of each region, -1 for unknown bases.
    max_p
        Largest probability of a site in random sequence.

    Returns
    -------
    Ranks, regions x motifs, int32: 0 is the best; and scores, float32, bits, 0 where there is no site.
    """
    matrices: list[tuple[int, np.ndarray]] = []
    for number, of_motif in enumerate(motifs.values()):
        matrices += [(number, matrix) for matrix in of_motif]

    rng = np.random.default_rng(seed)
    ranks = np.empty((len(sequences), len(motifs)), dtype=np.int32)
    kept = np.empty(ranks.shape, dtype=np.float32)
    n_sites = 0
    for group in _groups(matrices):
        first = group[0][0]
        scores, n_found = _score_group(group, sequences, max_p)
        n_sites += n_found

        for number, score in enumerate(scores, start=first):
            # equals in random order: the second key decides only between them
            random = rng.permutation(len(score))
            order = np.lexsort((random, -score))
            ranks[order, number] = np.arange(len(order))
            kept[:, number] = np.maximum(score, 0)

    if not n_sites:
        raise InputError(
            f"no site of {len(motifs)} motifs in {len(sequences)} regions at p {max_p}",
            "sites",
            "raise grn.cistromes.motif_scan.max_p, or check motifs and genome",
        )
    logger.info(
        "motif scan: %d motifs, %d regions, %d sites",
        len(motifs),
        len(sequences),
        n_sites,
    )
    return ranks, kept


def _score_group(
    group: list[tuple[int, np.ndarray]], sequences: Sequence[np.ndarray], max_p: float
) -> tuple[np.ndarray, int]:
    """Scores, motifs of the group x regions, -inf where there is no site; and the number of sites."""
    first, _ = group[0]
    last, _ = group[-1]
    scores = np.full((last - first + 1, len(sequences)), -np.inf)
    matrices = [matrix for _, matrix in group]

    n_sites = 0
    for rows, bases in _batches(sequences):
        sites = _scan(matrices, bases, max_p)
        for (number, _), (region, score) in zip(group, sites, strict=True):
            n_sites += len(region)
            _add_best(scores[number - first], rows, region, score)
    return scores, n_sites


def _groups(
    matrices: list[tuple[int, np.ndarray]],
) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Matrices in runs of about `_MATRICES_AT_ONCE`, those of one motif together."""
    group: list[tuple[int, np.ndarray]] = []
    for number, matrix in matrices:
        # a motif is never split: the best of its matrices is found within one group
        is_full = len(group) >= _MATRICES_AT_ONCE
        if is_full and number != group[-1][0]:
            yield group
            group = []
        group.append((number, matrix))
    yield group


def _batches(
    sequences: Sequence[np.ndarray],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Regions of like length, padded with unknown bases: their rows, and codes one-hot, regions x 4 x length."""
    lengths = np.array([len(sequence) for sequence in sequences])
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        # lengths ascend, so the last of a batch decides the padded size of all
        sizes = np.arange(1, len(order) - start + 1)
        padded = sizes * lengths[order[start:]]
        n_fitting = int(np.searchsorted(padded, _BASES_AT_ONCE, side="right"))
        stop = start + max(1, n_fitting)

        rows = order[start:stop]
        codes = pad([sequences[row] for row in rows])
        yield rows, one_hot(codes)
        start = stop


def _scan(
    matrices: list[np.ndarray], bases: np.ndarray, max_p: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sites of each matrix: region of the batch and score (bits over the uniform background)."""
    from memelite import fimo

    named = {
        str(i): np.ascontiguousarray(matrix.T) for i, matrix in enumerate(matrices)
    }
    for table in fimo(named, bases, threshold=max_p, dim=0):
        region = table["sequence_name"].to_numpy(dtype=np.int64)
        score = table["score"].to_numpy(dtype=float)
        yield region, score


def _add_best(
    best: np.ndarray, rows: np.ndarray, region: np.ndarray, score: np.ndarray
) -> None:
    """Raise `best` to the log of the summed odds of each region's sites, where that is higher."""
    total = np.zeros(len(rows))
    np.add.at(total, region, np.exp2(score))

    # a region without a site keeps minus infinity: the log of no odds is not taken
    hit = total > 0
    hit_rows = rows[hit]
    found = np.log2(total[hit])
    best[hit_rows] = np.maximum(best[hit_rows], found)
