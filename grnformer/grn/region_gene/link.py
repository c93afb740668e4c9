"""Region-gene links: every region in a gene's window, with correlation and boosting importance."""

from __future__ import annotations

import logging
import zlib
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError
from grnformer.grn.region_gene import METHODS

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp

    from grnformer.grn.region_gene.signal import Data, Signal

logger = logging.getLogger(__name__)

_BLOCK = 2**24  # values of accessibility held at once


def link_regions(
    data: Data,
    genes: list[str],
    regions: pd.DataFrame,
    tss: pd.DataFrame,
    *,
    accessibility: str,
    window: int,
    min_window: int,
    stop_at_neighbours: bool,
    promoter: int,
    min_cells: int,
    n_trees: int,
    learning_rate: float,
    feature_fraction: float,
    max_bins: int,
    metacell_size: int,
    max_cells: int | None,
    least_distance: int,
    seed: int,
) -> pd.DataFrame:
    """Link regions to genes as SCENIC+ does (Bravo González-Blas et al. 2023, doi 10.1038/s41592-023-01938-4).

    Parameters
    ----------
    data
        Expression, accessibility and topics; genes and regions in the order of the next two.
    genes
        Gene symbols.
    regions
        Columns region, chrom, start, end.
    tss
        Transcription start sites (contract tss).
    accessibility
        Method of `grnformer.grn.region_gene.METHODS`.
    window, min_window, stop_at_neighbours
        The search window, bp: see `find_pairs`.
    promoter
        A region up to this many bp from a TSS of the gene is its promoter.
    min_cells
        Genes found in fewer cells are not linked.
    n_trees, learning_rate, feature_fraction
        Boosting: see `boosting_kernel.boost`.
    max_bins
        Levels of a region's accessibility in boosting: see `rank_kernel.rank_regions`.
    metacell_size
        Cells per metacell, for the method `metacells`.
    max_cells
        More cells than that are pooled, by the method `topics`.
    least_distance
        bp, added to distances in the weight: see `joint_weights`.

    Returns
    -------
    Table region, gene, distance, promoter, importance (sums to 1 a gene), rho, weight; sorted by gene and region
    order.

    Raises
    ------
    InputError
        If no gene is found in enough cells, or no region lies in any window.
    """
    import pandas as pd

    from grnformer.grn.region_gene.windows import find_pairs

    chosen = _frequent_genes(data, min_cells)
    names = [genes[i] for i in chosen]
    pairs = find_pairs(
        regions,
        tss,
        names,
        window=window,
        min_window=min_window,
        stop_at_neighbours=stop_at_neighbours,
    )
    if pairs.empty:
        raise InputError(
            f"no region within {window} bp of a TSS of {len(names)} genes",
            "regions and TSSs of one genome build",
            "check the genome of the sample sheet, or widen grn.region_gene.window",
        )

    signal = METHODS[accessibility](
        data, metacell_size=metacell_size, max_cells=max_cells, seed=seed
    )
    # The name below, the seed above 32 bits: a gene's stream depends on no other gene.
    seeds = [zlib.crc32(name.encode()) + (seed % 2**32 << 32) for name in names]
    boosting = n_trees, learning_rate, feature_fraction
    rho, importance = _weigh(
        signal, chosen, pairs, np.array(seeds, dtype=np.uint64), max_bins, boosting
    )

    open_fraction = data.accessible.getnnz(axis=0) / data.accessible.shape[0]
    weight = joint_weights(
        importance,
        rho,
        open_fraction[pairs["region"]],
        pairs["distance"].to_numpy(),
        least_distance,
    )

    n_regions, n_genes = pairs["region"].nunique(), pairs["gene"].nunique()
    logger.info(
        "%d links of %d regions to %d of %d genes",
        len(pairs),
        n_regions,
        n_genes,
        len(names),
    )
    return pd.DataFrame(
        {
            "region": regions["region"].to_numpy()[pairs["region"]],
            "gene": np.array(names, dtype=object)[pairs["gene"]],
            "distance": pairs["distance"],
            "promoter": pairs["distance"].abs() <= promoter,
            "importance": importance.astype(np.float32),
            "rho": rho.astype(np.float32),
            "weight": weight.astype(np.float32),
        }
    )


def joint_weights(
    importance: np.ndarray,
    rho: np.ndarray,
    open_fraction: np.ndarray,
    distance: np.ndarray,
    least_distance: int,
) -> np.ndarray:
    """Weigh links by expression, accessibility and distance together.

    The weight is importance x |rho| x sqrt(accessibility) / (distance + least distance). Of CRISPRi's effects, distance
    alone tells more than importance or correlation; that contact falls with the inverse of distance is the activity-by-
    contact model's (Fulco et al. 2019, doi 10.1038/s41588-019-0538-0).

    Parameters
    ----------
    importance, rho
        (links,), of boosting and of rank correlation.
    open_fraction
        (links,), fraction of cells with a count in the region.
    distance
        (links,), bp, of either sign.
    least_distance
        bp, 1 or more: keeps regions that hold the TSS finite.

    Returns
    -------
    (links,), 0 or above.
    """
    near = 1 / (np.abs(distance) + least_distance)
    return importance * np.abs(rho) * np.sqrt(open_fraction) * near


def _frequent_genes(data: Data, min_cells: int) -> np.ndarray:
    n_cells = data.expression.getnnz(axis=0)
    chosen = np.flatnonzero(n_cells >= min_cells)
    if len(chosen) == 0:
        raise InputError(
            f"no gene is found in {min_cells} cells (the most frequent one in {n_cells.max()})",
            "genes found in at least grn.region_gene.min_cells cells",
            "lower grn.region_gene.min_cells",
        )
    return chosen


def _weigh(
    signal: Signal,
    chosen: np.ndarray,
    pairs: pd.DataFrame,
    seeds: np.ndarray,
    max_bins: int,
    boosting: tuple[int, float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """rho and importance of the pairs (sorted by gene), block by block of genes that lie together."""
    from grnformer.grn.region_gene.boosting_kernel import boost
    from grnformer.grn.region_gene.rank_kernel import correlate

    region = pairs["region"].to_numpy()
    expression = signal.expression[:, chosen].tocsc()
    cells = signal.cells or signal
    ranked = cells.expression[:, chosen].tocsc()
    rho, importance = np.zeros(len(pairs)), np.zeros(len(pairs))
    linked, first, n_pairs = np.unique(
        pairs["gene"], return_index=True, return_counts=True
    )

    # Neighbours in the genome share regions: a block of them ranks each of its regions once.
    nearby = np.argsort(region[first], kind="stable")
    new = _count_new(region, n_pairs, nearby)
    # In regions: each is a row of accessibility, a value a cell.
    at_once = max(1, _BLOCK // ranked.shape[0])
    block_of_gene = np.cumsum(new) // at_once
    for block in np.split(nearby, np.flatnonzero(np.diff(block_of_gene)) + 1):
        rows = np.concatenate(
            [np.arange(first[gene], first[gene] + n_pairs[gene]) for gene in block]
        )
        used, place = np.unique(region[rows], return_inverse=True)
        ranks, bins = _rank(signal, used, max_bins)
        if signal.cells:
            ranks, _ = _rank(signal.cells, used, max_bins)

        genes = linked[block]
        starts = np.r_[0, np.cumsum(n_pairs[block])]
        rho[rows] = correlate(*_parts(ranked[:, genes]), ranks, starts, place)
        importance[rows] = boost(
            *_parts(expression[:, genes]), bins, max_bins, starts, place, seeds[genes], *boosting,
        )  # fmt: skip
    return rho, importance


def _rank(
    signal: Signal, regions: np.ndarray, max_bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks and bins of regions over the units of a signal."""
    from grnformer.grn.region_gene.rank_kernel import rank_regions

    values = signal.accessibility(regions)
    ranks, bins = rank_regions(values, np.argsort(values, axis=1), max_bins)
    return ranks, bins


def _count_new(
    region: np.ndarray, n_pairs: np.ndarray, genes: np.ndarray
) -> np.ndarray:
    """(genes,), for each of `genes` in turn the regions that none before it has. Pairs stand by gene."""
    turn = np.empty(len(genes), dtype=np.int64)
    turn[genes] = np.arange(len(genes))
    of_pair = np.repeat(turn, n_pairs)
    earliest = np.full(region.max() + 1, len(genes))
    np.minimum.at(earliest, region, of_pair)
    return np.bincount(earliest, minlength=len(genes) + 1)[: len(genes)]


def _parts(matrix: sp.csc_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """indptr, rows and values (float64) of a CSC matrix."""
    return matrix.indptr, matrix.indices, matrix.data.astype(np.float64)
