"""Which links of a gene count: its top fraction or number by importance, or those above a step (BASC)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_MOST_LINKS = 100  # of a gene for BASC, the best: time grows with their cube


def binarise_links(
    gene: np.ndarray,
    importance: np.ndarray,
    *,
    quantiles: Sequence[float],
    top_regions: Sequence[int],
    basc: bool,
) -> dict[str, np.ndarray]:
    """Binarise region-gene links within each gene, in several ways.

    Parameters
    ----------
    gene
        Number of each link's gene, or of gene and sign, where links of either sign are binarised by themselves.
    importance
        Importance of each link.
    quantiles
        A link passes where its importance exceeds this quantile (linear interpolation) of its gene's links, or equals
        it as the gene's maximum: a gene with a single region keeps it.
    top_regions
        A link passes where it is among this many best of its gene; ties at the border by order of the links.
    basc
        Also by BASC A (see `grnformer.grn.eregulons.basc`) on the gene's 100 best links. Genes with fewer than three
        links, or all of one importance, keep them, as in SCENIC+ (which takes the 100 lowest of more than 100).

    Returns
    -------
    Name of the binarisation (``quantile_0.85``, ``top_5``, ``basc``) to a mask over the links. Links of importance 0
    never pass.
    """
    n = len(gene)
    # Links gene by gene, the best first: a quantile of a gene is then a position.
    order = np.lexsort((-importance, gene))
    descending = importance[order]
    # Numbers are 0 at least: -1 before them makes the first link start a group.
    start = np.flatnonzero(np.diff(gene[order], prepend=-1))
    size = np.diff(start, append=n)
    group = np.repeat(np.arange(len(start)), size)
    place = np.arange(n) - start[group]  # 0 is the gene's best link

    masks = {}
    for q in quantiles:
        at = (size - 1) * (1 - q)  # position of the quantile, counted from the best
        below = np.floor(at).astype(int)
        upper = descending[start + below]
        lower = descending[start + np.minimum(below + 1, size - 1)]
        cut = (upper + (at - below) * (lower - upper))[group]
        masks[f"quantile_{q:g}"] = (descending > cut) | (
            (place == 0) & (descending >= cut)
        )

    for top in top_regions:
        masks[f"top_{top}"] = place < top

    if basc:
        from grnformer.grn.eregulons.basc import find_thresholds

        steps = find_thresholds(
            descending.astype(np.float64), np.append(start, n), _MOST_LINKS
        )
        masks["basc"] = descending > steps[group]

    return {
        name: _in_order(passed & (descending > 0), order)
        for name, passed in masks.items()
    }


def _in_order(passed: np.ndarray, order: np.ndarray) -> np.ndarray:
    mask = np.zeros(len(order), bool)
    mask[order] = passed
    return mask
