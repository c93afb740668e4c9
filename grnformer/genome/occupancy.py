"""Log odds that a TF binds a gene's promoter: occupancy of its motifs, against background sequences."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from grnformer.genome.promoters import Promoters, draw_background

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

_MOTIFS_AT_ONCE = 32
_PROMOTERS_AT_ONCE = 1024


def score_promoters(
    promoters: Promoters, motifs: list[tuple[np.ndarray, list[str]]], genes: list[str], *, n_bins: int, seed: int
) -> pd.DataFrame:
    """Score every TF at every gene with a promoter.

    A motif's occupancy of a promoter is the log of the odds against background, summed over positions and strands
    (Granek & Clarke 2005, doi 10.1186/gb-2005-6-10-r87): many weak sites count as much as a strong one. How much an
    occupancy says is learnt from the sequences alone: the share of promoters among promoters and background
    sequences of that occupancy, made monotone. A motif that is as frequent in background as in promoters (one that
    works from enhancers, say) so has log odds near 0 everywhere, and no threshold is needed.

    Parameters
    ----------
    promoters
        Of `genes`.
    motifs
        (positions x 4 probabilities, TFs), as ``read_collections`` gives them.
    n_bins
        Groups of equal size that occupancies are told apart in.
    seed
        Of the background sequences.

    Returns
    -------
    Contract ``promoter_binding``: a row a gene, a column a TF; the best of the TF's motifs at the best of the gene's
    promoters, as natural log odds.
    """
    import pandas as pd

    background = draw_background(promoters.codes, np.random.default_rng(seed))
    codes = np.concatenate([promoters.codes, background])
    known = promoters.codes[promoters.codes >= 0]
    base = np.bincount(known, minlength=4) / len(known)
    tfs = sorted({tf for _, of_motif in motifs for tf in of_motif})
    column = {tf: number for number, tf in enumerate(tfs)}
    scored, row = np.unique(promoters.gene, return_inverse=True)
    best = np.full((len(tfs), len(scored)), -np.inf, dtype=np.float32)
    for number, occupancy in _occupancies([matrix for matrix, _ in motifs], codes, base):
        of_promoter = background_odds(*np.split(occupancy, 2), n_bins=n_bins)
        of_gene = np.full(len(scored), -np.inf)
        np.maximum.at(of_gene, row, of_promoter)
        for tf in motifs[number][1]:
            np.maximum(best[column[tf]], of_gene, out=best[column[tf]])
    logger.info("promoter binding: %d TFs, %d genes, %d motifs", len(tfs), len(scored), len(motifs))
    table = pd.DataFrame(best.T, columns=tfs)
    table.insert(0, "gene", [genes[i] for i in scored])
    return table


def background_odds(occupancy: np.ndarray, background: np.ndarray, *, n_bins: int) -> np.ndarray:
    """Log odds of being a promoter rather than background, as a function of occupancy that never falls.

    Parameters
    ----------
    occupancy, background
        (promoters,) and (sequences,), any scale; as many of both.

    Returns
    -------
    (promoters,).
    """
    from sklearn.isotonic import isotonic_regression

    both = np.concatenate([occupancy, background])
    edges = np.unique(np.quantile(both, np.arange(1, n_bins) / n_bins))
    bins = np.searchsorted(edges, occupancy, side="right")
    n = len(edges) + 1
    # one of each in every bin: no odds are infinite
    real = np.bincount(bins, minlength=n) + 1.0
    total = real + np.bincount(np.searchsorted(edges, background, side="right"), minlength=n) + 1.0
    share = isotonic_regression(real / total, sample_weight=total)
    return np.log(share / (1 - share))[bins]


def _occupancies(matrices: list[np.ndarray], codes: np.ndarray, base: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Number and occupancy (sequences,) of each motif; motifs of one length are scanned together."""
    import torch

    lengths = np.array([len(matrix) for matrix in matrices])
    for length in np.unique(lengths):
        numbers = np.flatnonzero(lengths == length)
        for start in range(0, len(numbers), _MOTIFS_AT_ONCE):
            part = numbers[start : start + _MOTIFS_AT_ONCE]
            odds = np.log(np.array([matrices[i] for i in part]) / base)  # motifs, positions, bases
            kernel = np.concatenate([odds, odds[:, ::-1, ::-1]]).transpose(0, 2, 1).astype(np.float32)
            weight = torch.from_numpy(np.ascontiguousarray(kernel))
            found = []
            for first in range(0, len(codes), _PROMOTERS_AT_ONCE):
                batch = codes[first : first + _PROMOTERS_AT_ONCE]
                one_hot = (batch[:, None, :] == np.arange(4, dtype=np.int8)[:, None]).astype(np.float32)
                # sites that overlap an end by up to a third count with the bases that are there
                hits = torch.nn.functional.conv1d(torch.from_numpy(one_hot), weight, padding=int(length) // 3)
                both = hits.reshape(len(batch), 2, len(part), -1).permute(0, 2, 1, 3)
                found.append(torch.logsumexp(both.flatten(2), dim=2).numpy())
            yield from zip(part.tolist(), np.concatenate(found).T, strict=True)
