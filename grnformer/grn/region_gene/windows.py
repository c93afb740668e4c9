"""Which regions lie in a gene's search window, and how far from its transcription start sites."""

from __future__ import annotations

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.genome.intervals import find_overlaps, tss_intervals

# bp from a TSS to the edge of its promoter, where a neighbour's window ends: SCENIC+'s
_PROMOTER_EDGE = 10


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
    sites = _known_sites(tss, genes, regions)
    site, region = find_overlaps(tss_intervals(sites, window), regions)

    # a value each for every pair of a site and a region
    position = sites["tss"].to_numpy()[site]
    reverse = (sites["strand"] == "-").to_numpy()[site]
    start = regions["start"].to_numpy()[region]
    last = regions["end"].to_numpy()[region] - 1

    # one of the two is 0, both where the region holds the TSS
    # bp from the region's last base rightwards to the TSS
    left = np.maximum(position - last, 0)
    right = np.maximum(start - position, 0)
    gap = left + right

    # left of a TSS is upstream on the forward strand, downstream on the reverse strand
    upstream = (left > 0) != reverse
    pairs = pd.DataFrame(
        {
            "gene": sites["number"].to_numpy()[site],
            "region": region,
            "distance": np.where(upstream, -gap, gap),
        }
    )
    if stop_at_neighbours:
        before, after = _borders(sites)
        between = (last > before[site]) & (start < after[site])
        pairs = pairs[between | (gap <= min_window)]

    # the nearest TSS of the gene; of two at equal distance the upstream one, so that the choice is fixed
    distance = pairs["distance"]
    order = np.lexsort((distance, distance.abs(), pairs["region"], pairs["gene"]))
    ordered = pairs.iloc[order]
    return ordered.drop_duplicates(["gene", "region"], ignore_index=True)


def _known_sites(
    tss: pd.DataFrame, genes: list[str], regions: pd.DataFrame
) -> pd.DataFrame:
    """Sites of the genes to link, with the gene's number, by chromosome and position."""
    known = tss[tss["gene"].isin(genes)]
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
            "rename the chromosomes of one table",
        )

    number = pd.Index(genes).get_indexer(known["gene"])
    numbered = known.assign(number=number)
    return numbered.sort_values(["chrom", "tss"], ignore_index=True)


def _borders(sites: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Inner edges of the nearest promoters of other genes before and after each site's gene, on its chromosome.

    The gene reaches from its first to its last TSS; promoters that touch it are passed over, as in SCENIC+.
    """
    # beyond any position, and small enough that nothing added to it overflows
    far = np.iinfo(np.int64).max // 2
    before = np.full(len(sites), -far)
    after = np.full(len(sites), far)
    for _, of_chromosome in sites.groupby("chrom", sort=False):
        rows = of_chromosome.index
        tss = of_chromosome["tss"]
        of_gene = of_chromosome.groupby("number")["tss"]
        first = of_gene.transform("min")
        last = of_gene.transform("max")

        # positions are sorted: the last one before the gene's first promoter
        edges_before = np.r_[-far, tss + _PROMOTER_EDGE]
        neighbour = np.searchsorted(tss, first - _PROMOTER_EDGE, side="left")
        before[rows] = edges_before[neighbour]

        # the first one after its last
        edges_after = np.r_[tss - _PROMOTER_EDGE, far]
        neighbour = np.searchsorted(tss, last + _PROMOTER_EDGE, side="right")
        after[rows] = edges_after[neighbour]
    return before, after
