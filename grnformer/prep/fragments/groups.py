"""Pseudobulks: which cells are put together before peaks are called."""

from __future__ import annotations

import logging
from typing import Any

import anndata
import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.prep.embed import embed_rna
from grnformer.prep.features import as_rna
from grnformer.prep.formats import read_matrix
from grnformer.prep.merge import check_annotated_alike
from grnformer.prep.pairing import label_cells
from grnformer.prep.sample import annotation_of_sample

log = logging.getLogger("grnformer.prep")


def group_cells(
    rows: list[dict[str, str]],
    barcodes: pd.DataFrame,
    tss: pd.DataFrame,
    *,
    without_annotation: str,
    min_cells_per_group: int,
    min_known_genes: float,
    min_annotated: float,
    embedding: dict[str, Any],
    seed: int,
) -> pd.DataFrame:
    """Name each cell's pseudobulk: its given type, or its cluster by RNA, or all cells together.

    Parameters
    ----------
    rows
        The sample sheet's rows of the dataset, files as paths.
    barcodes
        Contract `fragment_qc` of all samples; cells without a reason to be dropped are grouped.
    without_annotation
        ``rna_clusters`` or ``whole``, where no types are given.
    min_cells_per_group
        Groups with fewer cells get no name: no peaks are called on them, though their fragments are counted.

    Returns
    -------
    pandas.DataFrame
        Contract `pseudobulks`.

    Raises
    ------
    InputError
        If only some samples are annotated, or no group has enough cells.
    """
    check_annotated_alike({row["sample"]: bool(row.get("annotation")) for row in rows})
    parts = []
    for row in rows:
        of_sample = barcodes[(barcodes["sample"] == row["sample"]) & barcodes["reason"].isna()]
        where = f"sample {row['sample']}, RNA ({row['rna']})"
        rna = as_rna(read_matrix(row["rna"]), tss, where, min_known_genes=min_known_genes)
        rna = rna[rna.obs_names.isin(of_sample["barcode"])].copy()
        frame = pd.DataFrame({"sample": row["sample"], "barcode": rna.obs_names})
        if row.get("annotation"):
            labels = label_cells(
                annotation_of_sample(row, rna), rna.obs_names, f"sample {row['sample']}", min_annotated=min_annotated
            )
            frame["group"] = labels.to_numpy()
        parts.append((frame, rna))
    cells = pd.concat([frame for frame, _ in parts], ignore_index=True)
    if "group" not in cells and without_annotation == "whole":
        cells["group"] = "all"
    elif "group" not in cells:
        cells["group"] = cluster_rna([rna for _, rna in parts], cells["sample"], embedding=embedding, seed=seed)
    return drop_small(cells, min_cells_per_group)


def cluster_rna(parts: list[anndata.AnnData], sample: pd.Series, *, embedding: dict[str, Any], seed: int) -> np.ndarray:
    """Leiden clusters of the samples' cells by RNA, on the genes that all samples have; text, (cells,)."""
    import scanpy as sc

    shared = parts[0].var_names
    for part in parts[1:]:
        shared = shared[shared.isin(part.var_names)]
    rna = anndata.concat(
        [part[:, shared] for part in parts], index_unique="-", keys=[str(i) for i in range(len(parts))]
    )
    rna = rna[:, np.asarray(rna.X.sum(axis=0)).ravel() > 0].copy()
    empty = np.asarray(rna.X.sum(axis=1)).ravel() == 0
    embed_rna(
        rna, pd.Series(sample.to_numpy(), index=rna.obs_names), target_sum=embedding["target_sum"],
        n_hvgs=embedding["n_hvgs"], n_pcs=embedding["n_pcs"], seed=seed,
    )  # fmt: skip
    neighbors = min(embedding["n_neighbors"], rna.n_obs - 1)
    sc.pp.neighbors(rna, n_neighbors=neighbors, use_rep="X_pca", transformer="sklearn", random_state=seed)
    resolution = embedding["cluster_resolution"]
    sc.tl.leiden(rna, resolution=resolution, flavor="igraph", n_iterations=-1, random_state=seed, directed=False)
    return np.where(empty, "", "cluster_" + rna.obs["leiden"].astype(str).to_numpy())


def drop_small(cells: pd.DataFrame, min_cells: int) -> pd.DataFrame:
    """Take the name from groups of fewer than `min_cells` cells; contract `pseudobulks`."""
    sizes = cells.loc[cells["group"] != "", "group"].value_counts()
    small = sizes.index[sizes < min_cells]
    log.info("pseudobulks: %s; too small: %s", sizes[sizes >= min_cells].to_dict(), list(small))
    if len(small) == len(sizes):
        raise InputError(
            f"no group of cells is large enough to call peaks on: the largest of {len(sizes)} has "
            f"{int(sizes.max()) if len(sizes) else 0} cells",
            f"at least {min_cells} cells (prep.fragments.min_cells_per_group)",
            "pool the cells (prep.fragments.without_annotation: whole, without an annotation), or lower the bound",
        )
    return cells.assign(group=cells["group"].where(~cells["group"].isin(small), ""))
