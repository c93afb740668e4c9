"""Normalisation, embeddings of the modalities, and their joint neighbours, clusters and UMAP."""

from __future__ import annotations

import logging
from typing import Any

import anndata
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.prep.scale import TOTAL
from grnformer.prep.wnn import weigh_neighbors

log = logging.getLogger(__name__)

EMBEDDINGS = {"rna": "X_pca", "atac": "X_lsi"}  # of each modality, in its obsm
_LSI_SCALE = 1e4  # TF-IDF before the logarithm, as in Signac
_BLOCK = 2000  # cells weighed at a time
_MIN_SD = 1e-12


def normalise_rna(rna: anndata.AnnData) -> None:
    """Move counts in X to the layer ``counts`` (int32); X is log1p of counts scaled to 10,000 a cell (float32)."""
    import scanpy as sc

    # astype copies: the counts are kept as they are
    rna.layers["counts"] = rna.X
    rna.X = rna.X.astype(np.float32)
    sc.pp.normalize_total(rna, target_sum=TOTAL)
    sc.pp.log1p(rna)


def binarise_atac(atac: anndata.AnnData) -> None:
    """Move counts in X to the layer ``counts`` (int32); X is 1 where there is one (float32)."""
    atac.layers["counts"] = atac.X
    atac.X = (atac.X > 0).astype(np.float32)


def embed_rna(
    rna: anndata.AnnData,
    sample: pd.Series,
    *,
    settings: dict[str, Any],
    seed: int,
) -> None:
    """Choose genes and embed the cells by PCA, in place.

    Afterwards: ``var["highly_variable"]`` (at most ``n_hvgs``, chosen within samples where there are several), and
    ``obsm["X_pca"]``, n_cells x at most ``n_pcs``.

    Parameters
    ----------
    rna
        As `normalise_rna` leaves it.
    settings
        Config key `embedding` of section `prep`.
    """
    import scanpy as sc

    # A sample of one cell has no variance to rank genes by.
    rna.obs["sample"] = pd.Categorical(sample)
    several = rna.obs["sample"].value_counts().gt(1).sum() > 1
    n_hvgs = min(settings["n_hvgs"], rna.n_vars)

    # Scanpy's default ranks by dispersion and expects log1p values: hence the order.
    sc.pp.highly_variable_genes(
        rna, n_top_genes=n_hvgs, batch_key="sample" if several else None
    )
    del rna.obs["sample"]
    rna.var = rna.var[
        rna.var.columns.intersection(["gene_id", "n_cells", "highly_variable"])
    ]

    n_chosen = int(rna.var["highly_variable"].sum())
    # arpack finds fewer components than the matrix has rows, or columns.
    n_pcs = _at_most(
        "n_pcs", settings["n_pcs"], max(1, min(rna.n_obs - 1, n_chosen - 1))
    )
    sc.pp.pca(
        rna,
        n_comps=n_pcs,
        random_state=seed,
        svd_solver="arpack",
    )
    del rna.varm["PCs"]


def _at_most(key: str, asked: int, most: int) -> int:
    """`asked`, or with a warning the `most` that the data have."""
    if asked > most:
        log.warning(
            "prep.embedding.%s is %d; %d are used, all that the data allow",
            key,
            asked,
            most,
        )
    return min(asked, most)


def embed_atac(atac: anndata.AnnData, *, n_lsi: int, seed: int) -> None:
    """Embed the cells of binary X by latent semantic indexing, in place.

    A truncated SVD of `weigh_regions`, each component standardised over the cells (Stuart et al. 2021,
    doi 10.1038/s41592-021-01282-5).

    Afterwards: ``obsm["X_lsi"]``, n_cells x at most `n_lsi`.
    """
    from sklearn.decomposition import TruncatedSVD

    # One more than asked for, as the first is dropped.
    n_lsi = _at_most("n_lsi", n_lsi, max(1, min(atac.n_obs, atac.n_vars) - 2))
    svd = TruncatedSVD(n_lsi + 1, algorithm="arpack", random_state=seed)
    # The first component follows the number of counts a cell.
    lsi = svd.fit_transform(weigh_regions(atac.X))[:, 1:]
    standardised = (lsi - lsi.mean(axis=0)) / np.maximum(lsi.std(axis=0), _MIN_SD)
    atac.obsm["X_lsi"] = standardised.astype(np.float32)


def weigh_regions(binary: sp.csr_matrix) -> sp.csr_matrix:
    """TF-IDF of binary cells x regions: log1p(1e4 x / (regions of the cell) * cells / (cells of the region))."""
    # 1 in place of 0: an empty cell or region stays empty.
    per_cell = np.maximum(np.asarray(binary.sum(axis=1)).ravel(), 1)
    per_region = np.maximum(np.asarray(binary.sum(axis=0)).ravel(), 1)
    of_cell, of_region = _LSI_SCALE / per_cell, binary.shape[0] / per_region

    # Products of matrices would hold all values in double precision, three times.
    values = np.empty(binary.nnz, np.float32)
    for start in range(0, binary.shape[0], _BLOCK):
        bounds = binary.indptr[start : start + _BLOCK + 1]
        stored = slice(bounds[0], bounds[-1])
        frequency = np.repeat(of_cell[start : start + _BLOCK], np.diff(bounds))
        frequency *= binary.data[stored]
        values[stored] = np.log1p(frequency * of_region[binary.indices[stored]])
    # Where regions are open is shared with the matrix given.
    return sp.csr_matrix((values, binary.indices, binary.indptr), shape=binary.shape)


def join_modalities(
    data: mudata.MuData, *, settings: dict[str, Any], seed: int
) -> None:
    """Joint neighbours of the modalities, clusters and a UMAP of them, in place.

    Weighted nearest neighbours (Hao et al. 2021, doi 10.1016/j.cell.2021.04.048, see `wnn`), Leiden clusters
    (doi 10.1038/s41598-019-41695-z) and UMAP. Of RNA alone the neighbours are those of the RNA.

    Afterwards: ``obs["cluster"]`` (cluster_0 is the largest), ``obs["rna_weight"]`` (0 to 1, weight of the RNA in
    a cell's neighbourhood), ``obsm["X_umap"]``, n_cells x 2.

    Parameters
    ----------
    settings
        Config key `embedding` of section `prep`.
    """
    import scanpy as sc
    from umap import layouts

    # Else each run compiles it anew: 4 s of CPU, whatever the number of cells.
    layouts._nb_optimize_layout_euclidean_single_epoch.enable_caching()

    embeddings = [
        part.obsm[EMBEDDINGS[modality]] for modality, part in data.mod.items()
    ]
    n_neighbors = _at_most("n_neighbors", settings["n_neighbors"], data.n_obs - 1)
    indices, distances, weights = weigh_neighbors(
        embeddings,
        n_neighbors=n_neighbors,
        max_exact_cells=settings["max_exact_cells"],
        seed=seed,
    )

    # Scanpy reads neighbours from an AnnData: this one has no counts, so nothing is copied.
    joint = anndata.AnnData(
        obs=pd.DataFrame(index=data.obs_names),
        obsm={"X_joint": np.hstack(embeddings)},
        obsp={"connectivities": _connect(embeddings[0], indices, distances, seed)},
    )
    params = {
        "method": "umap",
        "metric": "euclidean",
        "n_neighbors": indices.shape[1],
        "use_rep": "X_joint",
    }
    joint.uns["neighbors"] = {"connectivities_key": "connectivities", "params": params}

    cluster(joint, settings["cluster_resolution"], seed)
    sc.tl.umap(joint, min_dist=settings["umap_min_dist"], random_state=seed)

    data.obs["cluster"] = ("cluster_" + joint.obs["leiden"].astype(str)).to_numpy()
    data.obs["rna_weight"] = weights[:, 0]
    data.obsm["X_umap"] = np.asarray(joint.obsm["X_umap"], dtype=np.float32)
    log.info("%d joint clusters of %d cells", data.obs["cluster"].nunique(), data.n_obs)


def cluster(data: anndata.AnnData, resolution: float, seed: int) -> None:
    """Leiden clusters of a neighbour graph until they are stable, in ``obs["leiden"]``."""
    import scanpy as sc

    sc.tl.leiden(
        data,
        resolution=resolution,
        flavor="igraph",
        n_iterations=-1,
        random_state=seed,
        directed=False,
    )


def _connect(
    space: np.ndarray,
    indices: np.ndarray,
    distances: np.ndarray,
    seed: int,
) -> sp.csr_matrix:
    """UMAP's fuzzy graph of known neighbours, n_cells x n_cells."""
    from umap import umap_

    # Else each run compiles them anew: 8 s of CPU, whatever the number of cells.
    for kernel in (umap_.smooth_knn_dist, umap_.compute_membership_strengths):
        kernel.enable_caching()

    # UMAP counts a cell among its neighbours, at distance 0.
    itself = np.arange(len(space))[:, None]
    with_itself = np.hstack([np.zeros(itself.shape), distances])
    connectivities, *_ = umap_.fuzzy_simplicial_set(
        space,
        n_neighbors=indices.shape[1] + 1,
        random_state=np.random.RandomState(seed),
        metric="euclidean",
        knn_indices=np.hstack([itself, indices]),
        knn_dists=with_itself.astype(np.float32),
    )
    return sp.csr_matrix(connectivities)
