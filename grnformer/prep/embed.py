"""Normalisation, embeddings of both modalities, and their joint neighbours, clusters and UMAP."""

from __future__ import annotations

import logging

import anndata
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.prep.wnn import weigh_neighbors

log = logging.getLogger("grnformer.prep")


def embed_rna(
    rna: anndata.AnnData, sample: pd.Series, *, target_sum: float, n_hvgs: int, n_pcs: int, seed: int
) -> None:
    """Normalise counts in X and embed the cells by PCA, in place.

    Afterwards: layer ``counts`` (int32), X log1p of counts scaled to `target_sum` a cell (float32),
    ``var["highly_variable"]`` (at most `n_hvgs`, chosen within samples where there are several), and
    ``obsm["X_pca"]``, n_cells x at most `n_pcs`.
    """
    import scanpy as sc

    rna.layers["counts"] = rna.X.copy()
    rna.X = rna.X.astype(np.float32)
    sc.pp.normalize_total(rna, target_sum=target_sum)
    sc.pp.log1p(rna)
    rna.obs["sample"] = pd.Categorical(sample)
    several = rna.obs["sample"].value_counts().gt(1).sum() > 1
    sc.pp.highly_variable_genes(rna, n_top_genes=min(n_hvgs, rna.n_vars), batch_key="sample" if several else None)
    del rna.obs["sample"]
    rna.var = rna.var[rna.var.columns.intersection(["gene_id", "n_cells", "highly_variable"])]
    n_chosen = int(rna.var["highly_variable"].sum())
    components = max(1, min(n_pcs, rna.n_obs - 1, n_chosen - 1))
    sc.pp.pca(rna, n_comps=components, random_state=seed, svd_solver="arpack")
    del rna.varm["PCs"]


def embed_atac(atac: anndata.AnnData, *, n_lsi: int, seed: int) -> None:
    """Binarise counts in X and embed the cells by latent semantic indexing, in place.

    TF-IDF of the binarised matrix, log1p(1e4 TF IDF), then a truncated SVD whose components are standardised per
    cell-wise component (Stuart et al. 2021, doi 10.1038/s41592-021-01282-5). The first component follows the
    number of counts a cell and is left out.

    Afterwards: layer ``counts`` (int32), X binarised (float32), ``obsm["X_lsi"]``, n_cells x at most `n_lsi`.
    """
    from sklearn.decomposition import TruncatedSVD

    atac.layers["counts"] = atac.X.copy()
    atac.X = (atac.X > 0).astype(np.float32)
    components = max(2, min(n_lsi + 1, atac.n_obs - 1, atac.n_vars - 1))
    lsi = TruncatedSVD(components, algorithm="arpack", random_state=seed).fit_transform(weigh_regions(atac.X))
    lsi = lsi[:, 1:]
    atac.obsm["X_lsi"] = ((lsi - lsi.mean(axis=0)) / np.maximum(lsi.std(axis=0), 1e-12)).astype(np.float32)


def weigh_regions(binary: sp.csr_matrix) -> sp.csr_matrix:
    """TF-IDF of binary cells x regions: log1p(1e4 x / (regions of the cell) * cells / (cells of the region))."""
    per_cell = np.maximum(np.asarray(binary.sum(axis=1)).ravel(), 1)
    per_region = np.maximum(np.asarray(binary.sum(axis=0)).ravel(), 1)
    weighed = sp.diags_array(1e4 / per_cell) @ binary @ sp.diags_array(binary.shape[0] / per_region)
    return sp.csr_matrix(weighed.log1p(), dtype=np.float32)


def join_modalities(data: mudata.MuData, *, n_neighbors: int, resolution: float, min_dist: float, seed: int) -> None:
    """Joint neighbours of RNA and ATAC, clusters and a UMAP of them, in place.

    Weighted nearest neighbours (Hao et al. 2021, doi 10.1016/j.cell.2021.04.048, see `wnn`), Leiden clusters
    (doi 10.1038/s41598-019-41695-z) and UMAP.

    Afterwards: ``obs["cluster"]`` (cluster_0 is the largest), ``obs["rna_weight"]`` (0 to 1, how much of a cell's
    neighbourhood is from its RNA), ``obsm["X_umap"]``, n_cells x 2.
    """
    import scanpy as sc
    from umap.umap_ import fuzzy_simplicial_set

    joint = [data.mod["rna"].obsm["X_pca"], data.mod["atac"].obsm["X_lsi"]]
    indices, distances, weights = weigh_neighbors(joint, n_neighbors=n_neighbors)
    itself = np.arange(data.n_obs)[:, None]  # umap counts a cell among its own neighbours
    connectivities, *_ = fuzzy_simplicial_set(
        joint[0],
        n_neighbors=indices.shape[1] + 1,
        random_state=np.random.RandomState(seed),
        metric="euclidean",
        knn_indices=np.hstack([itself, indices]),
        knn_dists=np.hstack([np.zeros(itself.shape), distances]).astype(np.float32),
    )
    shell = anndata.AnnData(
        obs=pd.DataFrame(index=data.obs_names),
        obsm={"X_joint": np.hstack(joint)},
        obsp={"connectivities": sp.csr_matrix(connectivities)},
    )
    params = {"method": "umap", "metric": "euclidean", "n_neighbors": indices.shape[1], "use_rep": "X_joint"}
    shell.uns["neighbors"] = {"connectivities_key": "connectivities", "params": params}
    sc.tl.leiden(shell, resolution=resolution, flavor="igraph", n_iterations=-1, random_state=seed, directed=False)
    sc.tl.umap(shell, min_dist=min_dist, random_state=seed)
    data.obs["cluster"] = ("cluster_" + shell.obs["leiden"].astype(str)).to_numpy()
    data.obs["rna_weight"] = weights[:, 0]
    data.obsm["X_umap"] = np.asarray(shell.obsm["X_umap"], dtype=np.float32)
    log.info("%d joint clusters of %d cells", data.obs["cluster"].nunique(), data.n_obs)
