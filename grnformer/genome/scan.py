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
    motifs: dict[str, list[np.ndarray]], sequences: Sequence[np.ndarray], *, max_p: float, seed: int
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
    matrices = [(number, matrix) for number, name in enumerate(motifs) for matrix in motifs[name]]
    rng = np.random.default_rng(seed)
    ranks = np.empty((len(sequences), len(motifs)), dtype=np.int32)
    kept = np.empty(ranks.shape, dtype=np.float32)
    n_sites = 0
    for group in _groups(matrices):
        first, last = group[0][0], group[-1][0]
        scores = np.full((last - first + 1, len(sequences)), -np.inf)
        for rows, bases in _batches(sequences):
            sites = _scan([matrix for _, matrix in group], bases, max_p)
            for (number, _), (region, score) in zip(group, sites, strict=True):
                n_sites += len(region)
                _add_best(scores[number - first], rows, region, score)

        for number, score in enumerate(scores, start=first):
            order = np.lexsort((rng.permutation(len(score)), -score))
            ranks[order, number] = np.arange(len(order))
            kept[:, number] = np.maximum(score, 0)

    if not n_sites:
        raise InputError(
            f"no site of {len(motifs)} motifs in {len(sequences)} regions at p {max_p}",
            "sites",
            "raise grn.cistromes.motif_scan.max_p, or check motifs and genome",
        )
    logger.info("motif scan: %d motifs, %d regions, %d sites", len(motifs), len(sequences), n_sites)
    return ranks, kept


def _groups(matrices: list[tuple[int, np.ndarray]]) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Matrices in runs of about `_MATRICES_AT_ONCE`, those of one motif together."""
    group: list[tuple[int, np.ndarray]] = []
    for number, matrix in matrices:
        if len(group) >= _MATRICES_AT_ONCE and number != group[-1][0]:
            yield group
            group = []
        group.append((number, matrix))
    yield group


def _batches(sequences: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Regions of like length, padded with unknown bases: their rows, and codes one-hot, regions x 4 x length."""
    lengths = np.array([len(sequence) for sequence in sequences])
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        # lengths ascend, so the last of a batch decides the padded size of all
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * lengths[order[stop]] <= _BASES_AT_ONCE:
            stop += 1
        rows = order[start:stop]
        yield rows, one_hot(pad([sequences[row] for row in rows]))
        start = stop


def _scan(matrices: list[np.ndarray], bases: np.ndarray, max_p: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sites of each matrix: region of the batch and score (bits over the uniform background)."""
    from memelite import fimo

    named = {str(i): np.ascontiguousarray(matrix.T) for i, matrix in enumerate(matrices)}
    for table in fimo(named, bases, threshold=max_p, dim=0):
        yield table["sequence_name"].to_numpy(dtype=np.int64), table["score"].to_numpy(dtype=float)


def _add_best(best: np.ndarray, rows: np.ndarray, region: np.ndarray, score: np.ndarray) -> None:
    """Raise `best` to the log of the summed odds of each region's sites, where that is higher."""
    total = np.zeros(len(rows))
    np.add.at(total, region, np.exp2(score))
    hit = total > 0
    best[rows[hit]] = np.maximum(best[rows[hit]], np.log2(total[hit]))
