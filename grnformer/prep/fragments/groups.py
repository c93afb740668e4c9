"""Pseudobulks: groups of cells on which peaks are called."""

from __future__ import annotations

import logging
from typing import Any

import anndata
import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.prep.embed import cluster, embed_rna, normalise_rna
from grnformer.prep.features import as_rna
from grnformer.prep.formats import read_matrix
from grnformer.prep.merge import check_annotated_alike, shared_names
from grnformer.prep.pairing import label_cells
from grnformer.prep.sample import annotation_of_sample

log = logging.getLogger(__name__)


def group_cells(
    rows: list[dict[str, str]],
    barcodes: pd.DataFrame,
    tss: pd.DataFrame,
    *,
    without_annotation: str,
    min_cells_per_group: int,
    min_known_genes: float,
    counts: str,
    min_annotated: float,
    embedding: dict[str, Any],
    seed: int,
) -> pd.DataFrame:
    """Name each cell's pseudobulk: its given type, or its cluster by RNA, or one name for all cells.

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
    kept = barcodes[barcodes["reason"].isna()]

    parts, tables = [], []
    for row in rows:
        where = f"sample {row['sample']}"
        rna = as_rna(
            read_matrix(row["rna"]),
            tss,
            f"{where}, RNA ({row['rna']})",
            min_known_genes=min_known_genes,
            rounded=counts == "round",
        )
        of_sample = kept.loc[kept["sample"] == row["sample"], "barcode"]
        rna = rna[rna.obs_names.isin(of_sample)].copy()

        table = pd.DataFrame({"sample": row["sample"], "barcode": rna.obs_names})
        if row.get("annotation"):
            types = annotation_of_sample(row, rna)
            table["group"] = label_cells(
                types, rna.obs_names, where, min_annotated=min_annotated
            ).to_numpy()
        parts.append(rna)
        tables.append(table)

    cells = pd.concat(tables, ignore_index=True)
    if "group" not in cells:
        whole = without_annotation == "whole"
        cells["group"] = (
            "all"
            if whole
            else _cluster_rna(parts, cells["sample"], embedding=embedding, seed=seed)
        )
    return _drop_small(cells, min_cells_per_group)


def _cluster_rna(
    parts: list[anndata.AnnData],
    sample: pd.Series,
    *,
    embedding: dict[str, Any],
    seed: int,
) -> np.ndarray:
    """Leiden clusters of the samples' cells by RNA, on the genes that all samples have; text, (cells,)."""
    import scanpy as sc

    shared = shared_names(parts)
    # Barcodes may repeat between samples: the sample's number makes names unique.
    numbers = [str(number) for number in range(len(parts))]
    rna = anndata.concat(
        [part[:, shared] for part in parts], index_unique="-", keys=numbers
    )
    rna = rna[:, rna.X.getnnz(axis=0) > 0].copy()
    empty = rna.X.getnnz(axis=1) == 0

    normalise_rna(rna)
    embed_rna(rna, sample.set_axis(rna.obs_names), settings=embedding, seed=seed)
    n_neighbors = min(embedding["n_neighbors"], rna.n_obs - 1)
    sc.pp.neighbors(
        rna,
        n_neighbors=n_neighbors,
        use_rep="X_pca",
        transformer="sklearn",
        random_state=seed,
    )
    cluster(rna, embedding["cluster_resolution"], seed)

    # A cell without counts has a cluster only by chance.
    return np.where(empty, "", "cluster_" + rna.obs["leiden"].astype(str).to_numpy())


def _drop_small(cells: pd.DataFrame, min_cells: int) -> pd.DataFrame:
    """Remove the name of groups of fewer than `min_cells` cells; contract `pseudobulks`."""
    sizes = cells.loc[cells["group"] != "", "group"].value_counts()
    large = sizes[sizes >= min_cells]
    log.info(
        "pseudobulks: %s; too small: %s",
        large.to_dict(),
        sizes.index.difference(large.index).to_list(),
    )
    if large.empty:
        raise InputError(
            f"no group of cells is large enough to call peaks on: the largest of {len(sizes)} has "
            f"{sizes.max() if len(sizes) else 0} cells",
            f"at least {min_cells} cells (prep.fragments.min_cells_per_group)",
            "pool the cells (prep.fragments.without_annotation: whole, without an annotation), or lower the bound",
        )
    return cells.assign(
        group=cells["group"].where(cells["group"].isin(large.index), "")
    )
