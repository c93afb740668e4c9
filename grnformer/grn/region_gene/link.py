"""Region-gene links: every region in a gene's window, with correlation and boosting importance."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp

    from grnformer.grn.region_gene.signal import Data

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
        Boosting: see `kernels.boost`.
    max_bins
        Levels of a region's accessibility that boosting tells apart: see `kernels.rank_regions`.
    metacell_size
        Cells per metacell, for the method `metacells`.

    Returns
    -------
    Table region, gene, distance, promoter, importance (sums to 1 a gene), rho; sorted by gene and region order.

    Raises
    ------
    InputError
        If no gene is found in enough cells, or no region lies in any window.
    """
    import pandas as pd

    from grnformer.grn.region_gene import METHODS
    from grnformer.grn.region_gene.windows import find_pairs

    if accessibility not in METHODS:
        raise InputError(
            f"grn.region_gene.accessibility is {accessibility!r}", f"one of {sorted(METHODS)}", "correct the config"
        )
    n_cells = data.expression.getnnz(axis=0)
    chosen = np.flatnonzero(n_cells >= min_cells)
    if len(chosen) == 0:
        raise InputError(
            f"no gene is found in {min_cells} cells (the most frequent one in {n_cells.max()})",
            "genes found in at least grn.region_gene.min_cells cells",
            "lower grn.region_gene.min_cells",
        )
    names = [genes[i] for i in chosen]
    pairs = find_pairs(regions, tss, names, window=window, min_window=min_window, stop_at_neighbours=stop_at_neighbours)
    if pairs.empty:
        raise InputError(
            f"no region within {window} bp of a TSS of {len(names)} genes",
            "regions and TSSs of one genome build",
            "check the genome of the sample sheet, or widen grn.region_gene.window",
        )
    signal = METHODS[accessibility](data, metacell_size=metacell_size, seed=seed)
    rho, importance = _weigh(
        signal.expression[:, chosen].tocsc(), signal.accessibility, pairs, names,
        n_trees=n_trees, learning_rate=learning_rate, feature_fraction=feature_fraction, max_bins=max_bins,
        seed=seed,
    )  # fmt: skip
    logger.info("%d links of %d regions to %d of %d genes", len(pairs), pairs["region"].nunique(),
                pairs["gene"].nunique(), len(names))  # fmt: skip
    distance = pairs["distance"].to_numpy()
    return pd.DataFrame(
        {
            "region": regions["region"].to_numpy()[pairs["region"]],
            "gene": np.array(names, dtype=object)[pairs["gene"]],
            "distance": distance,
            "promoter": np.abs(distance) <= promoter,
            "importance": importance.astype(np.float32),
            "rho": rho.astype(np.float32),
        }
    )


def _weigh(
    expression: sp.csc_matrix,
    accessibility: Callable[[np.ndarray], np.ndarray],
    pairs: pd.DataFrame,
    names: list[str],
    *,
    n_trees: int,
    learning_rate: float,
    feature_fraction: float,
    max_bins: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """rho and importance of the pairs (sorted by gene), block by block of genes that lie together."""
    from grnformer.grn.region_gene import kernels

    gene, region = pairs["gene"].to_numpy(), pairs["region"].to_numpy()
    rho, importance = np.zeros(len(pairs)), np.zeros(len(pairs))
    seeds = np.array([zlib.crc32(name.encode()) + (seed % 2**32 << 32) for name in names], dtype=np.uint64)
    linked, first, n_pairs = np.unique(gene, return_index=True, return_counts=True)
    nearby = np.argsort(region[first], kind="stable")  # neighbours in the genome share regions
    at_once = max(1, _BLOCK // expression.shape[0])
    budget = np.cumsum(n_pairs[nearby]) // at_once
    for block in np.split(nearby, np.flatnonzero(np.diff(budget)) + 1):
        rows = np.concatenate([np.arange(first[b], first[b] + n_pairs[b]) for b in block])
        used, place = np.unique(region[rows], return_inverse=True)
        values = accessibility(used)
        ranks, bins = kernels.rank_regions(values, np.argsort(values, axis=1), max_bins)
        part = expression[:, linked[block]]
        starts = np.r_[0, np.cumsum(n_pairs[block])]
        matrix = (part.indptr, part.indices, part.data.astype(np.float64))
        rho[rows] = kernels.correlate(*matrix, ranks, starts, place)
        importance[rows] = kernels.boost(
            *matrix, bins, max_bins, starts, place, seeds[linked[block]], n_trees, learning_rate, feature_fraction
        )
    return rho, importance
