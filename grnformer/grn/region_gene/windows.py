"""Which regions lie in a gene's search window, and how far from its transcription start sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_PROMOTER_EDGE = 10  # bp from a TSS to the edge of its promoter, where a neighbour's window ends: SCENIC+'s


def find_pairs(
    regions: pd.DataFrame,
    tss: pd.DataFrame,
    genes: list[str],
    *,
    window: int,
    min_window: int,
    stop_at_neighbours: bool,
) -> pd.DataFrame:
    """Pair every gene with the regions in its search window.

    The window reaches `window` bp to both sides of each TSS of the gene. With `stop_at_neighbours` it ends, as with
    SCENIC+'s gene boundaries, at the edge of the nearest promoter of another gene of `genes` on either side, but never
    within `min_window` bp of a TSS. A region that begins before that edge is in, even if it reaches into the promoter;
    promoters between the outermost TSSs of the gene do not stop it. (SCENIC+ measures from the ends of the gene; a
    table of TSSs does not have these.)

    Parameters
    ----------
    regions
        Columns chrom, start (0-based), end (exclusive); row numbers name the regions.
    tss
        Columns gene, chrom, tss (0-based), strand (``+`` or ``-``).
    genes
        Genes to link; their numbers name them.

    Returns
    -------
    Table gene, region (numbers), distance (bp from the nearest TSS of the gene; 0 if the region holds one; negative
    upstream on the gene's strand), sorted by gene and region; a pair stands once.

    Raises
    ------
    InputError
        If no gene has a TSS, or no chromosome name is shared.
    """
    import pandas as pd

    number = pd.Series(np.arange(len(genes)), index=genes)
    known = tss[tss["gene"].isin(number.index)]
    if known.empty:
        raise InputError(
            f"none of {len(genes)} genes (such as {genes[:3]}) has a TSS (genes there: {tss['gene'].head(3).tolist()})",
            "gene symbols shared by the RNA and the TSS table",
            "use the TSSs of this species' genome, with the same kind of gene names",
        )
    if not set(known["chrom"]) & set(regions["chrom"]):
        raise InputError(
            f"regions lie on {sorted(set(regions['chrom']))[:3]}, TSSs on {sorted(set(known['chrom']))[:3]}",
            "chromosome names of one style",
            "rename the chromosomes of one of them",
        )
    parts = []
    places = {chrom: np.flatnonzero(regions["chrom"].to_numpy() == chrom) for chrom in sorted(set(regions["chrom"]))}
    for chrom, sites in known.groupby("chrom", sort=True):
        rows = places.get(chrom)
        if rows is None:
            continue
        start, end = (regions[c].to_numpy()[rows] for c in ("start", "end"))
        order = np.argsort(start, kind="stable")
        parts.append(
            _pairs_of_chromosome(
                number[sites["gene"]].to_numpy(),
                sites["tss"].to_numpy(),
                (sites["strand"] == "-").to_numpy(),
                start[order],
                end[order],
                rows[order],
                window,
                min_window,
                stop_at_neighbours,
            )
        )
    gene, region, distance = (np.concatenate(p) for p in zip(*parts, strict=True))
    gene, region, distance = _nearest(gene, region, distance)
    return pd.DataFrame({"gene": gene, "region": region, "distance": distance})


def _pairs_of_chromosome(
    gene: np.ndarray, tss: np.ndarray, reverse: np.ndarray, start: np.ndarray, end: np.ndarray, name: np.ndarray,
    window: int, min_window: int, stop_at_neighbours: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """All (gene, region, distance) of one chromosome, with a row for each TSS; regions sorted by start."""
    order = np.lexsort((gene, tss))
    gene, tss, reverse = gene[order], tss[order], reverse[order]
    widest = int((end - start).max())
    first = np.searchsorted(start, tss - window - widest, side="left")
    last = np.searchsorted(start, tss + window, side="right")
    site = np.repeat(np.arange(len(tss)), last - first)
    hit = np.arange(len(site)) - np.repeat(np.cumsum(last - first) - (last - first), last - first) + first[site]
    left = np.maximum(tss[site] - (end[hit] - 1), 0)  # bp from the region's last base rightwards to the TSS
    right = np.maximum(start[hit] - tss[site], 0)
    gap = left + right
    keep = gap <= window
    if stop_at_neighbours:
        before, after = _borders(gene, tss)
        between = (end[hit] - 1 > before[site]) & (start[hit] < after[site])
        keep &= between | (gap <= min_window)
    # left of a TSS is upstream on the forward strand, downstream on the reverse strand
    upstream = (left > 0) != reverse[site]
    distance = np.where(upstream, -gap, gap)
    site, hit, distance = site[keep], hit[keep], distance[keep]
    return _nearest(gene[site], name[hit], distance)


def _borders(gene: np.ndarray, tss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inner edges of the nearest promoters of other genes before and after each TSS's gene (sites by position).

    The gene reaches from its first to its last TSS; promoters that touch it are passed over, as in SCENIC+.
    """
    far = np.iinfo(np.int64).max // 2
    name, number = np.unique(gene, return_inverse=True)
    low, high = np.full(len(name), far), np.full(len(name), -far)
    np.minimum.at(low, number, tss)
    np.maximum.at(high, number, tss)
    before = np.r_[-far, tss + _PROMOTER_EDGE][np.searchsorted(tss, low - _PROMOTER_EDGE, side="left")]
    after = np.r_[tss - _PROMOTER_EDGE, far][np.searchsorted(tss, high + _PROMOTER_EDGE, side="right")]
    return before[number], after[number]


def _nearest(gene: np.ndarray, region: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keep the smallest distance of each pair; at equal size the upstream one, so that the choice is fixed."""
    order = np.lexsort((distance, np.abs(distance), region, gene))
    gene, region, distance = gene[order], region[order], distance[order]
    new = np.r_[True, (gene[1:] != gene[:-1]) | (region[1:] != region[:-1])] if len(gene) else np.zeros(0, bool)
    return gene[new], region[new], distance[new].astype(np.int64)
