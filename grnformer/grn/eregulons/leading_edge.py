"""Leading edge of a gene set in a ranking (Subramanian et al. 2005, doi 10.1073/pnas.0506580102)."""

from __future__ import annotations

import numpy as np

_ROUNDING = 1e-9


def leading_edge(scores: np.ndarray, hits: np.ndarray) -> tuple[np.ndarray, float]:
    """Find the hits up to the maximum of the running enrichment sum.

    The sum rises at each hit by its score over the sum of all hits' scores (GSEA's weight 1) and falls at each other
    gene by 1 over their number.

    Parameters
    ----------
    scores
        Not negative, sorted in decreasing order.
    hits
        Positions of the gene set in `scores`, increasing and distinct.

    Returns
    -------
    The hits of the leading edge and the enrichment score, the maximum in (0, 1]. No hits and 0 where the sum falls as
    far below 0 as it rises above: the set is then found at the other end of the ranking (a negative score in GSEA).
    """
    n, n_hits = len(scores), len(hits)
    total = scores[hits].sum()
    if total <= 0:
        return hits[:0], 0.0

    # P_hit - P_miss, at the hits only: the running sum's maximum always stands at a hit.
    gained = np.cumsum(scores[hits]) / total
    # Misses before a hit: its position less the hits before. 1: all genes are hits.
    missed = (hits - np.arange(n_hits)) / max(n - n_hits, 1)
    running = gained - missed
    best = int(np.argmax(running))
    # The minimum stands right before a hit.
    lowest = (running - scores[hits] / total).min()
    if running[best] + lowest <= _ROUNDING:
        return hits[:0], 0.0
    return hits[: best + 1], float(running[best])
