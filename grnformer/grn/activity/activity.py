"""Cells x eRegulons: AUC and whether the eRegulon is active in the cell."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from grnformer.grn.activity import METHODS
from grnformer.grn.activity.members import find_members
from grnformer.grn.activity.mixture import find_threshold

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import scipy.sparse as sp

logger = logging.getLogger(__name__)

# genes of the eRegulon in the median active cell: on the strength of one, a call is doubtful
_FEWEST_GENES = 2


def score_activity(
    rna: anndata.AnnData,
    eregulons: pd.DataFrame,
    scored: pd.DataFrame | None = None,
    training: anndata.AnnData | None = None,
    *,
    method: str,
    auc_threshold: float,
    detected_quantile: float,
    seed: int,
    **mixture: float,
) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Return the activity of each eRegulon in each cell, and the thresholds as a table.

    Parameters
    ----------
    rna
        Cells x genes; X ranks the genes of a cell. obs `cell_type`; an obsm `X_umap` is passed on.
    eregulons
        Triplets; the genes of an eRegulon count once each.
    scored
        AUCs by pySCENIC (contract cell_auc), for the method pyscenic_aucell.
    training
        The cells and genes that the rank cut-off, the thresholds and their table follow from; None: all of `rna`.
        Other genes take no part.
    method
        A name in `METHODS`: ``aucell``, or ``pyscenic_aucell``, where `detected_quantile` has no effect.
    auc_threshold, detected_quantile
        See `choose_rank_cutoff`.
    seed, mixture
        min_separation, min_weight, max_overlap: see `find_threshold`.

    Raises
    ------
    InputError
        If an eRegulon names genes that the data lacks.
    """
    import pandas as pd
    import scipy.sparse as sp

    fitted = np.ones(rna.n_obs, dtype=bool)
    if training is not None:
        # ranks are among the genes that the training cells have
        rna = rna[:, training.var_names]
        fitted = rna.obs_names.isin(training.obs_names)
    names, gene_sets = find_members(eregulons, rna.var_names, "gene")

    # A copy: the multiome's own matrix is not to change.
    expression = rna.X.tocsr(copy=True)
    expression.eliminate_zeros()
    rank = {"auc_threshold": auc_threshold, "detected_quantile": detected_quantile}
    auc, cutoff = METHODS[method](
        expression, gene_sets, names, rna.obs_names, fitted, scored=scored, **rank
    )
    logger.info("%s: rank cut-off %d of %d genes", method, cutoff, rna.n_vars)

    # For the log: a cut-off below this one was set by what the cells detect.
    by_threshold, median = (
        round(auc_threshold * rna.n_vars),
        np.median(expression[fitted].getnnz(axis=1)),
    )
    logger.info(
        "by auc_threshold only: %d; the median cell detects %d genes",
        by_threshold,
        median,
    )

    found = pd.DataFrame(
        [find_threshold(column, seed=seed, **mixture) for column in auc[fitted].T]
    )

    # Above, not at: the threshold of a constant is its highest AUC, and no cell active.
    active = sp.csr_matrix(auc > found["threshold"].to_numpy())
    genes_seen = _genes_seen(expression[fitted], gene_sets, active[fitted])
    table = found.assign(
        eregulon=names,
        doubtful=found["doubtful"] | (genes_seen < _FEWEST_GENES),
        genes_seen=genes_seen,
        n_active=active[fitted].getnnz(axis=0).astype(int),
        n_cells=int(fitted.sum()),
    )
    columns = [
        "eregulon",
        "threshold",
        "method",
        "doubtful",
        "genes_seen",
        "separation",
        "bic_gain",
        "n_active",
    ]
    table = table[[*columns, "n_cells"]]

    activity = _as_anndata(rna, eregulons, gene_sets, auc, active, table)
    activity.uns["rank_cutoff"] = cutoff
    n_active = activity.obs["n_active"]
    methods = table["method"].value_counts().to_dict()
    logger.info(
        "%d eRegulons: %s; %d doubtful", len(names), methods, table["doubtful"].sum()
    )
    logger.info(
        "%d of %d cells have no active eRegulon", (n_active == 0).sum(), rna.n_obs
    )
    logger.info("the median cell has %.0f", n_active.median())
    return activity, table


def _as_anndata(
    rna: anndata.AnnData,
    eregulons: pd.DataFrame,
    gene_sets: sp.csc_matrix,
    auc: np.ndarray,
    active: sp.csr_matrix,
    table: pd.DataFrame,
) -> anndata.AnnData:
    """Return contract cell_activity without uns."""
    import anndata
    import pandas as pd

    tf_of = (
        eregulons.drop_duplicates("eregulon").set_index("eregulon")["tf"].astype(str)
    )
    cells = {
        "cell_type": rna.obs["cell_type"].astype(str),
        "n_active": active.getnnz(axis=1).astype(int),
    }
    sets = {
        "tf": tf_of[table["eregulon"]].to_numpy(),
        "n_genes": gene_sets.getnnz(axis=0).astype(int),
        "threshold": table["threshold"].to_numpy(),
        "threshold_method": table["method"].to_numpy(),
        "doubtful": table["doubtful"].to_numpy(),
    }
    places = {key: rna.obsm[key] for key in ("X_umap",) if key in rna.obsm}
    return anndata.AnnData(
        X=auc,
        layers={"active": active},
        obsm=places,
        obs=pd.DataFrame(cells, index=rna.obs_names),
        var=pd.DataFrame(sets, index=table["eregulon"].tolist()),
    )


def _genes_seen(
    expression: sp.csr_matrix, gene_sets: sp.csc_matrix, active: sp.csr_matrix
) -> np.ndarray:
    """Genes of each eRegulon that its median active cell detects; 0 where no cell is active."""
    # cells x eRegulons: how many of its genes each cell detects
    counts = (
        expression.astype(bool).astype(np.float32) @ gene_sets.astype(np.float32)
    ).toarray()
    columns = active.tocsc()
    seen = np.zeros(columns.shape[1])
    for number, (low, high) in enumerate(pairwise(columns.indptr)):
        if high > low:
            seen[number] = np.median(counts[columns.indices[low:high], number])
    return seen
