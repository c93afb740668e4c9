"""A ranking database of the dataset's own regions: motif sites found by FIMO's method (memelite), regions ranked."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np

from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)

_BASES_AT_ONCE = 5_000_000
_MATRICES_AT_ONCE = 200


def scan_regions(
    motifs: dict[str, list[np.ndarray]], sequences: Sequence[np.ndarray], *, max_p: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rank and score regions by the motif sites in them, both strands.

    A region's score is the log of the summed odds of its sites, so that several sites count for more than the best
    alone (as in Cluster-Buster, Frith et al. 2003, doi 10.1093/nar/gkg540); sites by FIMO (Grant et al. 2011, doi
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
    matrices = [(m, matrix) for m, name in enumerate(motifs) for matrix in motifs[name]]
    rng = np.random.default_rng(seed)
    ranks = np.empty((len(sequences), len(motifs)), dtype=np.int32)
    kept = np.empty(ranks.shape, dtype=np.float32)
    sites = 0
    for part in _groups(matrices):
        first = part[0][0]
        scores = np.full((part[-1][0] - first + 1, len(sequences)), -np.inf)
        for rows, one_hot in _batches(sequences):
            for (motif, _), (region, score) in zip(part, _scan([x for _, x in part], one_hot, max_p), strict=True):
                sites += len(region)
                _add_best(scores[motif - first], rows, region, score)
        for i, score in enumerate(scores):
            order = np.lexsort((rng.permutation(len(score)), -score))
            ranks[order, first + i] = np.arange(len(order))
            kept[:, first + i] = np.maximum(score, 0)
    if not sites:
        raise InputError(
            f"no site of {len(motifs)} motifs in {len(sequences)} regions at p {max_p}",
            "sites",
            "raise grn.cistromes.motif_scan.max_p, or check motifs and genome",
        )
    logger.info("motif scan: %d motifs, %d regions, %d sites", len(motifs), len(sequences), sites)
    return ranks, kept


def _groups(matrices: list[tuple[int, np.ndarray]]) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Matrices in runs of about `_MATRICES_AT_ONCE`, those of one motif together."""
    part: list[tuple[int, np.ndarray]] = []
    for entry in matrices:
        if len(part) >= _MATRICES_AT_ONCE and entry[0] != part[-1][0]:
            yield part
            part = []
        part.append(entry)
    yield part


def _batches(sequences: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Regions of like length, padded with unknown bases: their rows, and codes one-hot, regions x 4 x length."""
    lengths = np.array([len(sequence) for sequence in sequences])
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        # the longest of a batch decides its size; lengths ascend, so look at what the rest would take
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * lengths[order[stop]] <= _BASES_AT_ONCE:
            stop += 1
        rows = order[start:stop]
        codes = np.full((len(rows), lengths[rows[-1]]), -1, dtype=np.int8)
        for i, row in enumerate(rows):
            codes[i, : lengths[row]] = sequences[row]
        yield rows, (codes[:, None, :] == np.arange(4, dtype=np.int8)[:, None]).astype(np.int8)
        start = stop


def _scan(matrices: list[np.ndarray], one_hot: np.ndarray, max_p: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sites of each matrix: region of the batch and score (bits over the uniform background)."""
    from memelite import fimo

    named = {str(i): np.ascontiguousarray(matrix.T) for i, matrix in enumerate(matrices)}
    for table in fimo(named, one_hot, threshold=max_p, dim=0):
        yield table["sequence_name"].to_numpy(dtype=np.int64), table["score"].to_numpy(dtype=float)


def _add_best(best: np.ndarray, rows: np.ndarray, region: np.ndarray, score: np.ndarray) -> None:
    """Raise `best` to the log of the summed odds of each region's sites, where that is higher."""
    if not len(region):
        return
    total = np.zeros(len(rows))
    np.add.at(total, region, np.exp2(score))
    hit = total > 0
    best[rows[hit]] = np.maximum(best[rows[hit]], np.log2(total[hit]))
