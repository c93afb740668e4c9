"""What prep did, in numbers."""

from __future__ import annotations

from typing import Any

import mudata
import pandas as pd


def summarise(data: mudata.MuData, dropped: pd.DataFrame, qc: pd.DataFrame) -> dict[str, Any]:
    """Cells, genes and regions before and after, by reason; types, depth, and how well clusters and types agree.

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

    after = {"cell": data.n_obs, "gene": data.mod["rna"].n_vars, "region": data.mod["atac"].n_vars}
    lost = dropped["kind"].value_counts()
    kept = qc[qc["kept"]]
    given = data.uns["cell_types_from"] == "annotation"
    agreement = adjusted_rand_score(data.obs["cell_type"].astype(str), data.obs["cluster"].astype(str))
    return {
        "counts": {kind: {"before": n + int(lost.get(kind, 0)), "after": n} for kind, n in after.items()},
        "dropped": {
            kind: {str(reason): int(n) for reason, n in part["reason"].value_counts().items()}
            for kind, part in dropped.groupby("kind")
        },
        "samples": {str(k): int(v) for k, v in data.obs["sample"].value_counts().items()},
        "cell_types": {str(k): int(v) for k, v in data.obs["cell_type"].value_counts().items()},
        "cell_types_from": data.uns["cell_types_from"],
        "clusters": int(data.obs["cluster"].nunique()),
        "cluster_type_ari": float(agreement) if given else None,
        "median": {m: float(kept[m].median()) for m in ("n_umis", "n_genes", "n_atac_counts", "n_regions")},
        "checks": {s: {k: float(v) for k, v in check.items()} for s, check in data.uns["checks"].items()},
    }
