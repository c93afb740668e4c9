"""From filtered counts to the multiome that all later stages read."""

from __future__ import annotations

import logging
from typing import Any

import mudata
import numpy as np
import pandas as pd

from grnformer.core.contracts import numeric_columns
from grnformer.prep.embed import embed_atac, embed_rna, join_modalities

log = logging.getLogger(__name__)

# Scanpy's columns -> those of the contract `markers`.
_MARKERS = {
    "group": "cell_type",
    "names": "gene",
    "scores": "score",
    "logfoldchanges": "log2_fold_change",
    "pvals_adj": "p_adjusted",
    "pct_nz_group": "share_in",
    "pct_nz_reference": "share_out",
}


def annotate_multiome(
    counts: mudata.MuData, *, seed: int, settings: dict[str, Any]
) -> mudata.MuData:
    """Normalise, embed and cluster; without an annotation, a cell's type is its cluster.

    Parameters
    ----------
    counts
        Contract `paired_counts`, filtered.
    settings
        Config key `embedding` of section `prep`.

    Returns
    -------
    mudata.MuData
        Contract `multiome`.
    """
    # Else each update copies columns of the modalities into the joint obs.
    mudata.set_options(pull_on_update=False)
    embed_rna(
        counts.mod["rna"],
        counts.obs["sample"].astype(str),
        settings=settings,
        seed=seed,
    )
    embed_atac(counts.mod["atac"], n_lsi=settings["n_lsi"], seed=seed)
    join_modalities(counts, settings=settings, seed=seed)

    given = "cell_type" in counts.obs
    if not given:
        counts.obs["cell_type"] = counts.obs["cluster"]

    # A new MuData takes over only what the contract names; scanpy leaves its parameters in uns and obs.
    for part in counts.mod.values():
        part.uns = {}
        part.obs = pd.DataFrame(index=part.obs_names)

    data = mudata.MuData(dict(counts.mod))
    for column in ("cell_type", "sample", "donor", "barcode", "cluster"):
        text = counts.obs[column]
        data.obs[column] = (
            text if column == "barcode" else pd.Categorical(text.astype(str))
        )
    data.obs["rna_weight"] = counts.obs["rna_weight"]
    data.obsm["X_umap"] = counts.obsm["X_umap"]
    data.uns["checks"] = counts.uns["checks"]
    data.uns["cell_types_from"] = "annotation" if given else "joint clusters"
    return data


def rank_markers(data: mudata.MuData, *, n_per_type: int) -> pd.DataFrame:
    """Marker genes of each cell type against all other cells (Wilcoxon rank-sum test with ties, by scanpy).

    Types of fewer than two cells have none; nor has a dataset of one type.

    Returns
    -------
    pandas.DataFrame
        Contract `markers`, at most `n_per_type` rows a type, best first.
    """
    import scanpy as sc

    types = data.obs["cell_type"].astype(str)
    sizes = types.value_counts()
    # Scanpy refuses a group of one cell: it has no variance.
    groups = sorted(sizes.index[sizes >= 2])
    if len(sizes) < 2 or not groups:
        log.warning("no markers: %d cell types with two cells or more", len(groups))
        numbers = numeric_columns("markers")
        return pd.DataFrame(columns=list(_MARKERS.values())).astype(numbers)

    # A copy: scanpy writes its results into uns.
    rna = data.mod["rna"].copy()
    rna.obs["cell_type"] = pd.Categorical(types)
    sc.tl.rank_genes_groups(
        rna,
        "cell_type",
        groups=groups,
        reference="rest",
        method="wilcoxon",
        # Most values are zeros, all tied: uncorrected, the variance is too large.
        tie_correct=True,
        n_genes=n_per_type,
        pts=True,
    )

    ranked = sc.get.rank_genes_groups_df(rna, group=groups)
    # Scanpy leaves the column out where there is one group.
    if "group" not in ranked:
        ranked["group"] = groups[0]

    markers = (
        ranked[list(_MARKERS)]
        .rename(columns=_MARKERS)
        .astype({"cell_type": object, "gene": object})
    )
    return markers[np.isfinite(markers["score"])].reset_index(drop=True)
