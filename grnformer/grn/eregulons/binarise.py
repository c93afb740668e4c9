"""Which links of a gene count: its top share, its top number of regions by importance, or those above a step (BASC)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_MOST_LINKS = 100  # of a gene for BASC, the best: time grows with their cube


def binarise_links(
    gene: np.ndarray, importance: np.ndarray, *, quantiles: Sequence[float], top_regions: Sequence[int], basc: bool
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
    order = np.lexsort((np.arange(n), -importance, gene))
    first = np.r_[True, gene[order][1:] != gene[order][:-1]] if n else np.zeros(0, bool)
    start = np.flatnonzero(first)
    size = np.diff(np.r_[start, n])
    group = np.cumsum(first) - 1
    place = np.arange(n) - start[group]  # 0 is the gene's best link
    sorted_importance = importance[order]
    masks = {}
    for q in quantiles:
        at = (size - 1) * (1 - q)  # position of the quantile, counted from the best
        below = np.floor(at).astype(int)
        upper = sorted_importance[start + below]
        lower = sorted_importance[start + np.minimum(below + 1, size - 1)]
        cut = upper + (at - below) * (lower - upper)
        passed = (sorted_importance > cut[group]) | ((place == 0) & (sorted_importance >= cut[group]))
        masks[f"quantile_{q:g}"] = passed
    for top in top_regions:
        masks[f"top_{top}"] = place < top
    if basc:
        from grnformer.grn.eregulons.basc import find_thresholds

        steps = find_thresholds(np.asarray(sorted_importance, np.float64), np.r_[start, n], _MOST_LINKS)
        masks["basc"] = sorted_importance > steps[group]
    result = {}
    for name, passed in masks.items():
        mask = np.zeros(n, bool)
        mask[order] = passed & (sorted_importance > 0)
        result[name] = mask
    return result
