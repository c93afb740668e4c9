"""Summary of stage prep in numbers."""

from __future__ import annotations

from typing import Any

import mudata
import pandas as pd

from grnformer.prep.metacells import GROUP_SIZES

_DEPTHS = ["n_umis", "n_genes", "n_atac_counts", "n_regions"]


def summarise(
    data: mudata.MuData, dropped: pd.DataFrame, qc: pd.DataFrame
) -> dict[str, Any]:
    """Cells, genes and regions before and after, by reason; types, depth, and agreement of clusters and types.

    Parameters
    ----------
    data, dropped, qc
        Contracts `multiome`, `dropped`, `cell_qc`.

    Returns
    -------
    dict
        Contract `prep_summary`.
    """
    from sklearn.metrics import adjusted_rand_score

    after = {
        "cell": data.n_obs,
        "gene": data.mod["rna"].n_vars,
    }
    if "atac" in data.mod:
        after["region"] = data.mod["atac"].n_vars
    reasons = {kind: _counts(part["reason"]) for kind, part in dropped.groupby("kind")}
    lost = dropped["kind"].value_counts().to_dict()
    counts = {
        kind: {"before": n + lost.get(kind, 0), "after": n} for kind, n in after.items()
    }

    if set(GROUP_SIZES) <= set(data.obs):
        # Of the cells lost, some are metacells, and most single cells that are in none.
        counts["cell"]["before"] = len(qc)
        counts = _single_cells(data) | counts

    depths = [name for name in _DEPTHS if name in qc]
    # Without an annotation the types are the clusters, and agree of course.
    agreement = None
    if data.uns["cell_types_from"] == "annotation":
        types, clusters = data.obs["cell_type"], data.obs["cluster"]
        agreement = float(adjusted_rand_score(types.astype(str), clusters.astype(str)))

    return {
        "counts": counts,
        "dropped": reasons,
        "samples": _counts(data.obs["sample"]),
        "cell_types": _counts(data.obs["cell_type"]),
        "cell_types_from": data.uns["cell_types_from"],
        "clusters": data.obs["cluster"].nunique(),
        "cluster_type_ari": agreement,
        "median": qc.loc[qc["kept"], depths].median().to_dict(),
        "checks": data.uns["checks"],
    }


def _single_cells(data: mudata.MuData) -> dict[str, dict[str, int]]:
    """Cells of each modality: as read, and in the metacells that are left."""
    checks = data.uns["checks"].values()
    return {
        f"{modality.upper()} cell": {
            "before": int(sum(check[f"{modality}_barcodes"] for check in checks)),
            "after": int(data.obs[f"n_cells_{modality}"].sum()),
        }
        for modality in ("rna", "atac")
    }


def _counts(values: pd.Series) -> dict[str, int]:
    """How often each value occurs, as JSON holds it."""
    return {str(value): int(n) for value, n in values.value_counts().items()}
