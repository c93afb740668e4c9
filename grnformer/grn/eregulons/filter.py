"""The quality filter: eRegulons whose TF its targets do not follow are dropped, where that is asked for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from grnformer.grn.eregulons.funnel import QUALITY, add_filter

if TYPE_CHECKING:
    import anndata
    import numpy as np
    import pandas as pd

logger = logging.getLogger(__name__)


def assess_and_filter(
    eregulons: pd.DataFrame,
    funnel: pd.DataFrame,
    rna: anndata.AnnData,
    atac: anndata.AnnData,
    cell_topic: np.ndarray,
    region_topic: np.ndarray,
    *,
    filter: bool,
    accessibility: str,
    auc_threshold: float,
    detected_quantile: float,
    seed: int,
    **correlation: Any,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Score target genes and regions, correlate them with the TF, and drop what falls short.

    Parameters
    ----------
    eregulons, funnel
        Of `build_eregulons`.
    rna, atac
        Modalities of the multiome, the same cells.
    cell_topic, region_topic
        Cells x topics, regions x topics.
    filter
        Whether to drop eRegulons.
    accessibility, auc_threshold, detected_quantile
        See `score_region_activity`; the last two also for the genes.
    correlation
        Other settings of `assess_eregulons`.

    Returns
    -------
    eRegulons that are kept; the funnel, with a step more if there is a filter; contract eregulon_quality; contract
    region_activity.
    """
    import pandas as pd

    from grnformer.grn.activity.members import find_members
    from grnformer.grn.activity.recovery import choose_rank_cutoff, score_cells
    from grnformer.grn.activity.regions import score_region_activity
    from grnformer.grn.eregulons.quality import assess_eregulons

    rank = {"auc_threshold": auc_threshold, "detected_quantile": detected_quantile}
    names, members = find_members(eregulons, rna.var_names, "gene")
    expression = rna.X.tocsr()
    cutoff = choose_rank_cutoff(expression.getnnz(axis=1), rna.n_vars, **rank)
    by_genes = pd.DataFrame(
        score_cells(expression, members, cutoff), index=rna.obs_names, columns=names
    )
    by_regions = score_region_activity(
        atac, cell_topic, region_topic, eregulons, accessibility=accessibility, **rank
    )

    quality = assess_eregulons(
        eregulons, rna, by_genes, by_regions, seed=seed, **correlation
    )

    # without a filter all are kept, and the table still says which fall short
    quality["kept"] = quality["passed"] | (not filter)
    kept = eregulons[
        eregulons["eregulon"].isin(quality.loc[quality["kept"], "eregulon"])
    ]
    if filter:
        funnel = add_filter(funnel, QUALITY, kept)
        logger.info(
            "dropped: %s",
            quality.loc[~quality["kept"], "falls_short_in"].value_counts().to_dict(),
        )
    return (
        kept.reset_index(drop=True),
        funnel,
        quality,
        by_regions.rename_axis("cell").reset_index(),
    )
