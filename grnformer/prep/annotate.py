"""From filtered counts to the multiome that all later stages read."""

from __future__ import annotations

import logging
from typing import Any

import mudata
import numpy as np
import pandas as pd

from grnformer.prep.embed import embed_atac, embed_rna, join_modalities

log = logging.getLogger("grnformer.prep")


def annotate_multiome(counts: mudata.MuData, *, seed: int, settings: dict[str, Any]) -> mudata.MuData:
    """Normalise, embed and cluster; cells without given types take their cluster's name.

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
    mudata.set_options(pull_on_update=False)
    given = "cell_type" in counts.obs
    checks = counts.uns["checks"]
    embed_rna(
        counts.mod["rna"],
        counts.obs["sample"].astype(str),
        target_sum=settings["target_sum"],
        n_hvgs=settings["n_hvgs"],
        n_pcs=settings["n_pcs"],
        seed=seed,
    )
    embed_atac(counts.mod["atac"], n_lsi=settings["n_lsi"], seed=seed)
    join_modalities(
        counts,
        n_neighbors=settings["n_neighbors"],
        resolution=settings["cluster_resolution"],
        min_dist=settings["umap_min_dist"],
        seed=seed,
    )
    if not given:
        counts.obs["cell_type"] = counts.obs["cluster"]
    # Neighbour graphs are not kept: they are as large as the counts, and nothing later reads them.
    data = mudata.MuData({name: _bare(part) for name, part in counts.mod.items()})
    for column in ("cell_type", "sample", "donor", "barcode", "cluster"):
        data.obs[column] = pd.Categorical(counts.obs[column].astype(str)) if column != "barcode" else counts.obs[column]
    data.obs["rna_weight"] = counts.obs["rna_weight"]
    data.obsm["X_umap"] = counts.obsm["X_umap"]
    data.uns["checks"] = checks
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

    rna = data.mod["rna"]
    types = data.obs["cell_type"].astype(str)
    sizes = types.value_counts()
    groups = sorted(sizes.index[sizes >= 2])
    if len(sizes) < 2 or not groups:
        log.warning("no markers: %d cell types with two cells or more", len(groups))
        return pd.DataFrame(columns=_MARKER_COLUMNS)
    rna = rna.copy()
    rna.obs["cell_type"] = pd.Categorical(types)
    sc.tl.rank_genes_groups(
        rna,
        "cell_type",
        groups=groups,
        reference="rest",
        method="wilcoxon",
        tie_correct=True,
        n_genes=n_per_type,
        pts=True,
    )
    ranked = sc.get.rank_genes_groups_df(rna, group=groups)
    if "group" not in ranked:
        ranked.insert(0, "group", groups[0])
    renamed = {
        "group": "cell_type",
        "names": "gene",
        "scores": "score",
        "logfoldchanges": "log2_fold_change",
        "pvals_adj": "p_adjusted",
        "pct_nz_group": "share_in",
        "pct_nz_reference": "share_out",
    }
    ranked = ranked.rename(columns=renamed)[_MARKER_COLUMNS]
    text = ranked.astype({"cell_type": object, "gene": object})
    return text[np.isfinite(text["score"])].reset_index(drop=True)


_MARKER_COLUMNS = ["cell_type", "gene", "score", "log2_fold_change", "p_adjusted", "share_in", "share_out"]


def _bare(part: Any) -> Any:
    part.uns, part.obs = {}, pd.DataFrame(index=part.obs_names)
    for key in list(part.obsp):
        del part.obsp[key]
    return part
