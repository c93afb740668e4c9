"""Region-based AUCell: how early an eRegulon's target regions turn up among a cell's regions, ranked by accessibility.

With the kernel of gene-based AUCell: tied regions (nearly all, where accessibility is open or not) add what they would
on average over all orders, and the rank cut-off is no deeper than what cells have open. SCENIC+ ranks the same
counts with ties in random order and a cut-off at 5% of all regions, so that in sparse cells chance decides.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError
from grnformer.grn.activity.members import find_members
from grnformer.grn.activity.recovery import choose_rank_cutoff, score_cells

if TYPE_CHECKING:
    import anndata
    import pandas as pd

logger = logging.getLogger(__name__)

_BLOCK = 32 * 2**20  # values of imputed accessibility held at a time


def score_region_activity(
    atac: anndata.AnnData,
    cell_topic: np.ndarray,
    region_topic: np.ndarray,
    eregulons: pd.DataFrame,
    *,
    accessibility: str,
    auc_threshold: float,
    detected_quantile: float,
) -> pd.DataFrame:
    """Score the target regions of each eRegulon in each cell.

    Parameters
    ----------
    atac
        Cells x regions; X is 0 or 1, layer ``counts`` holds counts.
    cell_topic, region_topic
        Cells x topics, regions x topics.
    eregulons
        Contract eregulons; a region of an eRegulon counts once. Those without regions are left out.
    accessibility
        ``binary`` (X), ``counts``, or ``topics``: P(region | cell) of the topic model, made for some cells at a time.
    auc_threshold, detected_quantile
        See `choose_rank_cutoff`; imputed accessibility is above 0 in all regions.

    Returns
    -------
    AUC, cells x eRegulons (none, if no eRegulon has a region).
    """
    import pandas as pd

    if accessibility not in ("binary", "counts", "topics"):
        raise InputError(
            f"grn.quality.accessibility is {accessibility!r}",
            "binary, counts or topics",
            "correct the config",
        )

    # RNA alone
    if not atac.n_vars:
        return pd.DataFrame(index=atac.obs_names)

    observed = (atac.layers["counts"] if accessibility == "counts" else atac.X).tocsr()
    detected = np.diff(observed.indptr)
    if accessibility == "topics":
        # P(region | cell) is above 0 everywhere: depth sets no bound.
        detected = np.full(atac.n_obs, atac.n_vars)
    cutoff = choose_rank_cutoff(detected, atac.n_vars, auc_threshold, detected_quantile)
    logger.info(
        "rank cut-off %d of %d regions (%s)", cutoff, atac.n_vars, accessibility
    )

    names, members = find_members(eregulons, atac.var_names, "region")
    auc = np.zeros((atac.n_obs, len(names)), np.float32)
    if names and accessibility == "topics":
        import scipy.sparse as sp

        # Cells x regions of P(region | cell) is dense: only some cells at a time fit into memory.
        by_region = np.ascontiguousarray(region_topic.T, dtype=np.float32)
        step = max(1, _BLOCK // len(region_topic))
        for low in range(0, atac.n_obs, step):
            imputed = cell_topic[low : low + step].astype(np.float32) @ by_region
            auc[low : low + step] = score_cells(sp.csr_matrix(imputed), members, cutoff)
    elif names:
        auc = score_cells(observed, members, cutoff)
    return pd.DataFrame(auc, index=atac.obs_names, columns=names)
