"""Differentially accessible regions of each cell type, on topic-imputed accessibility."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from grnformer.topics.model import TopicModel, iterate_imputed

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

_BLOCK = 2**24  # values imputed at a time at most, whatever the number of cells
_TINY = 1e-12  # keeps the fold change finite; imputed probabilities are about 1e-5


def find_dars(
    model: TopicModel,
    regions: list[str],
    cell_types: np.ndarray,
    *,
    adjusted_p: float,
    log2_fold_change: float,
    min_cells: int,
    block_size: int,
) -> pd.DataFrame:
    """Find the regions that are more accessible in a cell type than in all other cells, as pycisTopic does.

    Wilcoxon's rank-sum test (two-sided, normal approximation) of imputed accessibility, Benjamini-Hochberg over the
    regions of a type, and log2 of the ratio of means. Imputed cells share their topics, so the p-values are not
    frequencies of error: they order regions, and the fold change decides.

    Parameters
    ----------
    model
        Topics of the cells and regions.
    regions
        Names of the regions.
    cell_types
        (cells,) the type of each cell.
    adjusted_p
        Highest adjusted p-value of a region in the set.
    log2_fold_change
        Lowest log2 ratio of mean accessibility in the type to that in the others.
    min_cells
        Types with fewer cells, or with fewer cells outside of them, get no set.
    block_size
        Regions imputed at a time, fewer where cells are many: memory is about 40 bytes x cells x `block_size`, and
        700 MB at most.

    Returns
    -------
    Table by contract ``region_sets`` with ``adjusted_p``; kind ``dar``, score log2 fold change; may be empty.
    """
    import pandas as pd
    from scipy.stats import false_discovery_control

    types, codes = np.unique(np.asarray(cell_types, dtype=str), return_inverse=True)
    # (types, cells): one product with it sums over the cells of every type.
    member = np.equal.outer(np.arange(len(types)), codes).astype(float)
    fold_changes, p_values = compare_types(model, member, block_size)

    # The empty part gives the columns where no type has a set.
    parts = [pd.DataFrame(columns=["set", "kind", "region", "score", "adjusted_p"])]
    for name, size, fold_change, p_value in zip(
        types, member.sum(axis=1), fold_changes, p_values, strict=True
    ):
        if min(size, len(codes) - size) < min_cells:
            logger.warning(
                "%s: %d cells (others %d): no DARs", name, size, len(codes) - size
            )
            continue

        # Adjusted over the regions of this type only: each type has a set of its own.
        adjusted = false_discovery_control(p_value)
        chosen = np.flatnonzero(
            (adjusted <= adjusted_p) & (fold_change >= log2_fold_change)
        )
        # Stable: of equal fold changes the earlier region goes first.
        chosen = chosen[np.argsort(-fold_change[chosen], kind="stable")]
        logger.info("%s: %d DARs", name, len(chosen))
        found = {
            "set": str(name),
            "kind": "dar",
            "region": np.asarray(regions, dtype=object)[chosen],
            "score": fold_change[chosen],
            "adjusted_p": adjusted[chosen],
        }
        parts.append(pd.DataFrame(found))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def compare_types(
    model: TopicModel, member: np.ndarray, block_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Log2 fold change and rank-sum p-value of each region in each type against the other cells.

    Parameters
    ----------
    member
        (types, cells), 1 where the cell is of the type.

    Returns
    -------
    Two (types, regions) matrices. Cells are ranked once for all types. A type without cells, or without others, has
    p 1.
    """
    from scipy.stats import norm

    n_types, n_cells = member.shape
    inside = member.sum(axis=1)[:, None]
    outside = n_cells - inside
    fold_change = np.zeros((n_types, len(model.region_topic)))
    p_value = np.ones_like(fold_change)

    block_size = min(block_size, max(1, _BLOCK // n_cells))
    for block, imputed in iterate_imputed(
        model.cell_topic, model.region_topic, block_size
    ):
        # imputed is cells x regions of the block, sums types x regions of the block.
        sums = member @ imputed
        # 1 in place of 0: a type without cells has the mean 0, not 0 / 0.
        mean_inside = sums / np.maximum(inside, 1)
        mean_outside = (imputed.sum(axis=0) - sums) / np.maximum(outside, 1)
        fold_change[:, block] = np.log2((mean_inside + _TINY) / (mean_outside + _TINY))

        # z of Wilcoxon's rank sum W, less its expectation n_1 (n + 1) / 2. Ties (cells with the same topics) shrink the
        # variance n_1 n_2 (n + 1) / 12: take it from the ranks themselves.
        ranks = _rank(imputed)
        variance = inside * outside / n_cells * ranks.var(axis=0, ddof=1)
        surplus = member @ ranks - inside * (n_cells + 1) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.nan_to_num(surplus / np.sqrt(variance))  # equal values: 0 / 0, p 1
        p_value[:, block] = 2 * norm.sf(np.abs(z))
    return fold_change, p_value


def _rank(imputed: np.ndarray) -> np.ndarray:
    """Ranks of the cells in each region, from 1, the mean of ties; as SciPy's rankdata, in half the time."""
    from scipy.stats import rankdata

    values = np.ascontiguousarray(imputed.T)
    order = np.argsort(values, axis=1)
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, np.arange(1.0, values.shape[1] + 1)[None], axis=1)

    # hardly any cells are tied, but where some have no region, or the same topics
    rising = np.take_along_axis(values, order, axis=1)
    tied = (rising[:, 1:] == rising[:, :-1]).any(axis=1)
    ranks[tied] = rankdata(values[tied], axis=1)
    return ranks.T
