"""Cells x eRegulons: AUC and whether the eRegulon is active in the cell."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from grnformer.grn.activity.aucell import choose_rank_cutoff, score_cells
from grnformer.grn.activity.members import find_members
from grnformer.grn.activity.mixture import find_threshold
from grnformer.grn.activity.original import take_auc

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import scipy.sparse as sp

_FEWEST_GENES = 2  # genes of the eRegulon in the median active cell: on the strength of one, a call is doubtful
_log = logging.getLogger("grnformer.grn")


def score_activity(
    rna: anndata.AnnData,
    eregulons: pd.DataFrame,
    scored: pd.DataFrame | None = None,
    *,
    method: str,
    auc_threshold: float,
    detected_quantile: float,
    min_separation: float,
    min_weight: float,
    max_overlap: float,
    seed: int,
) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Return the activity of each eRegulon in each cell, and the thresholds as a table.

    Parameters
    ----------
    rna
        Cells x genes; X ranks the genes of a cell. obs `cell_type`.
    eregulons
        Triplets; the genes of an eRegulon count once each.
    scored
        AUCs by pySCENIC (contract cell_auc), for the method pyscenic_aucell.
    method
        ``aucell``, or ``pyscenic_aucell``: AUCs are taken from `scored`, and `detected_quantile` has no say.
    auc_threshold, detected_quantile
        See `choose_rank_cutoff`.
    min_separation, min_weight, max_overlap, seed
        See `find_threshold`.

    Raises
    ------
    InputError
        If an eRegulon names genes that the data lacks.
    """
    import anndata
    import pandas as pd
    import scipy.sparse as sp

    if (method == "pyscenic_aucell") != (scored is not None):
        raise ValueError(f"method {method!r} with{'out' if scored is None else ''} AUCs that were scored before")
    names, gene_sets = find_members(eregulons, rna.var_names, "gene")
    tfs = eregulons.drop_duplicates("eregulon").set_index("eregulon")["tf"].astype(str)[names].tolist()
    expression = rna.X.tocsr(copy=True)
    expression.eliminate_zeros()
    n_detected = expression.getnnz(axis=1)
    if scored is None:
        cutoff = choose_rank_cutoff(n_detected, rna.n_vars, auc_threshold, detected_quantile)
        auc = score_cells(expression, gene_sets, cutoff)
    else:
        auc, cutoff = take_auc(scored, rna.obs_names, names, n_genes=rna.n_vars, auc_threshold=auc_threshold)
    _log.info(
        "%s: rank cut-off %d of %d genes (auc_threshold alone: %d; the median cell detects %d)",
        method,
        cutoff,
        rna.n_vars,
        round(auc_threshold * rna.n_vars),
        np.median(n_detected),
    )
    found = [
        find_threshold(column, min_separation=min_separation, min_weight=min_weight, max_overlap=max_overlap, seed=seed)
        for column in auc.T
    ]
    active = sp.csr_matrix(auc > np.array([threshold.value for threshold in found]))
    genes_seen = _genes_seen(expression, gene_sets, active)
    table = pd.DataFrame(
        {
            "eregulon": names,
            "threshold": [threshold.value for threshold in found],
            "method": [threshold.method for threshold in found],
            "doubtful": [threshold.doubtful for threshold in found] | (genes_seen < _FEWEST_GENES),
            "genes_seen": genes_seen,
            "separation": [threshold.separation for threshold in found],
            "bic_gain": [threshold.bic_gain for threshold in found],
            "n_active": active.getnnz(axis=0).astype(int),
            "n_cells": rna.n_obs,
        }
    )
    activity = anndata.AnnData(
        X=auc,
        layers={"active": active},
        obs=pd.DataFrame(
            {"cell_type": rna.obs["cell_type"].astype(str), "n_active": active.getnnz(axis=1).astype(int)},
            index=rna.obs_names,
        ),
        var=pd.DataFrame(
            {
                "tf": tfs,
                "n_genes": gene_sets.getnnz(axis=0).astype(int),
                "threshold": table["threshold"].to_numpy(),
                "threshold_method": table["method"].to_numpy(),
                "doubtful": table["doubtful"].to_numpy(),
            },
            index=names,
        ),
        uns={"rank_cutoff": cutoff},
    )
    without = int((activity.obs["n_active"] == 0).sum())
    _log.info(
        "%d eRegulons: %s; %d doubtful", len(names), table["method"].value_counts().to_dict(), table["doubtful"].sum()
    )
    _log.info(
        "%d of %d cells have no active eRegulon; the median cell has %.0f",
        without,
        rna.n_obs,
        activity.obs["n_active"].median(),
    )
    return activity, table


def _genes_seen(expression: sp.csr_matrix, gene_sets: sp.csc_matrix, active: sp.csr_matrix) -> np.ndarray:
    """Genes of each eRegulon that its median active cell detects; 0 where no cell is active."""
    counts = (expression.astype(bool).astype(np.float32) @ gene_sets.astype(np.float32)).toarray()
    columns = active.tocsc()
    seen = np.zeros(columns.shape[1])
    for number, (low, high) in enumerate(zip(columns.indptr[:-1], columns.indptr[1:], strict=True)):
        if high > low:
            seen[number] = np.median(counts[columns.indices[low:high], number])
    return seen
