"""From filtered counts to the multiome that all later stages read."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anndata
import mudata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.contracts import numeric_columns
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.core.text import MISSING_NUMBERS, read_rows, refuse, separator_hint
from grnformer.prep.embed import (
    EMBEDDINGS,
    binarise_atac,
    embed_atac,
    embed_rna,
    join_modalities,
    normalise_rna,
)
from grnformer.prep.metacells import GROUP_SIZES

log = logging.getLogger(__name__)

_SETTING = "prep.names in the config"

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


def normalise(counts: mudata.MuData) -> None:
    """Normalise RNA and binarise ATAC of contract `paired_counts`, in place; see `embed`."""
    # Else each update copies columns of the modalities into the joint obs.
    mudata.set_options(pull_on_update=False)
    normalise_rna(counts.mod["rna"])
    if "atac" in counts.mod:
        binarise_atac(counts.mod["atac"])


def restore_counts(data: mudata.MuData) -> mudata.MuData:
    """Undo `normalise`, in place: contract `filtered_cells` becomes `paired_counts` again, for other genes or cells."""
    for part in data.mod.values():
        part.X = part.layers.pop("counts")
    return data


def embed_multiome(
    data: mudata.MuData, *, seed: int, settings: dict[str, Any]
) -> anndata.AnnData:
    """Embed and cluster the cells: what of a multiome takes long, and does not depend on the names of types.

    Parameters
    ----------
    data
        As `normalise` leaves it; embedded in place.
    settings
        Config key `embedding` of section `prep`.

    Returns
    -------
    anndata.AnnData
        Contract `joint_embedding`.
    """
    rna = data.mod["rna"]
    embed_rna(rna, data.obs["sample"].astype(str), settings=settings, seed=seed)
    if "atac" in data.mod:
        embed_atac(data.mod["atac"], n_lsi=settings["n_lsi"], seed=seed)
    join_modalities(data, settings=settings, seed=seed)

    obsm = {
        EMBEDDINGS[modality]: part.obsm[EMBEDDINGS[modality]]
        for modality, part in data.mod.items()
    }
    return anndata.AnnData(
        sp.csr_matrix(rna.shape, dtype=np.float32),
        obs=data.obs[["cluster", "rna_weight"]].copy(),
        var=rna.var[["highly_variable"]].copy(),
        obsm=obsm | {"X_umap": data.obsm["X_umap"]},
    )


def annotate_multiome(
    data: mudata.MuData,
    embedding: anndata.AnnData,
    type_of: dict[str, str] | None = None,
) -> mudata.MuData:
    """Add embeddings and clusters; without an annotation, a cell's type is its cluster, or the name of that.

    Parameters
    ----------
    data
        As `normalise` leaves it.
    embedding
        Contract `joint_embedding`, of the same cells and genes.
    type_of
        Cluster -> cell type, of `read_names`; None: clusters are the types.

    Returns
    -------
    mudata.MuData
        Contract `multiome`.

    Raises
    ------
    InputError
        If clusters are named, and the cells have types.
    """
    of_cells = embedding.obs.reindex(data.obs_names)
    obs = data.obs.assign(**{name: of_cells[name] for name in of_cells})
    given = "cell_type" in obs
    if given and type_of is not None:
        raise InputError(
            "prep.names, which names clusters, and samples with an annotation",
            "one of the two, as source of the cell types",
            "set prep.names to null, or empty the column annotation of the sample sheet",
        )
    if not given:
        cluster = obs["cluster"].astype(str)
        obs["cell_type"] = cluster.map(type_of) if type_of else cluster

    # Only what the contract names is taken over: scanpy leaves its parameters in uns and obs.
    for modality, part in data.mod.items():
        part.uns = {}
        part.obs = pd.DataFrame(index=part.obs_names)
        key = EMBEDDINGS[modality]
        part.obsm = {key: embedding[part.obs_names].obsm[key]}
    rna = data.mod["rna"]
    kept = rna.var.columns.intersection(["gene_id", "n_cells"])
    of_genes = embedding.var["highly_variable"].reindex(rna.var_names)
    rna.var = rna.var[kept].assign(highly_variable=of_genes.astype(bool))

    annotated = mudata.MuData(dict(data.mod))
    for column in ("cell_type", "sample", "donor", "barcode", "cluster"):
        text = obs[column]
        annotated.obs[column] = (
            text if column == "barcode" else pd.Categorical(text.astype(str))
        )
    for column in ("rna_weight", *(c for c in GROUP_SIZES if c in obs)):
        annotated.obs[column] = obs[column]
    annotated.obsm["X_umap"] = embedding[data.obs_names].obsm["X_umap"]
    annotated.uns["checks"] = data.uns["checks"]
    clusters = "named clusters" if type_of else "joint clusters"
    annotated.uns["cell_types_from"] = "annotation" if given else clusters
    return annotated


def read_names(path: str | Path, clusters: Iterable[str]) -> dict[str, str]:
    """Read a table of cluster and cell type, with or without the header ``cluster``; several may have one type.

    Parameters
    ----------
    clusters
        Those of the dataset, each of which must have a line.

    Raises
    ------
    InputError
        As `read_rows`; if the table has not two columns, names a cluster twice, one that is not there or not all of
        them, or if names are empty or could not each have a file.
    """
    table = read_rows(path, _SETTING)
    first = table.iloc[0].to_list()
    expected = "two columns, cluster and cell type, comma-separated as .csv or tab-separated as .tsv"
    if len(first) != 2:
        raise InputError(
            f"{path}: {len(first)} columns, first line {first}",
            expected,
            separator_hint(first) or "leave the other columns out",
        )
    if first[0].lower() == "cluster":
        table = table.iloc[1:]

    there = sorted(set(clusters), key=lambda name: (len(name), name))
    twice = table.loc[table[0].duplicated(), 0].tolist()
    unknown = sorted(set(table[0]) - set(there))
    missing = [name for name in there if name not in set(table[0])]
    for what, wrong in (
        ("named twice", twice),
        ("not in the dataset", unknown),
        ("without a name", missing),
    ):
        if wrong:
            raise InputError(
                f"{path}: clusters {what}: {wrong}",
                f"a line for each of {there}",
                f"correct the table (it is {_SETTING}); other clusters may have come of other settings under prep",
            )
    refuse(table[1], table[1].isin(MISSING_NUMBERS), "a cell type", path, _SETTING)
    # Later stages write a file for each type: names that collide are told of now.
    file_names(sorted(set(table[1])))
    return dict(zip(table[0], table[1], strict=True))


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

    # Of its own, as scanpy writes its results into uns; the matrix is shared.
    part = data.mod["rna"]
    rna = anndata.AnnData(part.X, obs=part.obs[[]], var=part.var[[]])
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
