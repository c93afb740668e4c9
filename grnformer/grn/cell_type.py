"""Cell-type GRNs: the eRegulons of a type, on the regions open in it, as one edge table per type."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp

logger = logging.getLogger(__name__)

_NEUTRAL = 0.5  # rank of what an edge has no value for


def file_names(cell_types: Iterable[str]) -> dict[str, str]:
    """Return a file-safe name per type: letters, digits, ``. _ + -``; anything else becomes ``_``.

    Raises
    ------
    InputError
        If two types get the same name (case ignored, as some file systems do).
    """
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for cell_type in cell_types:
        name = re.sub(r"^\.", "_", re.sub(r"[^A-Za-z0-9._+-]", "_", cell_type)) or "_"
        if name.lower() in taken:
            raise InputError(
                f"cell types {taken[name.lower()]!r} and {cell_type!r} would both be written to {name!r}",
                "cell types that differ in letters, digits or . _ + -",
                "rename one of them in the annotation",
            )
        taken[name.lower()] = cell_type
        names[cell_type] = name
    return names


def fraction_by_type(matrix: sp.csr_matrix, cell_type: np.ndarray, types: list[str]) -> np.ndarray:
    """Cells with a non-zero value, per type and feature.

    Returns
    -------
    types x features, number of cells (int64).
    """
    return np.vstack([matrix[cell_type == t].getnnz(axis=0) for t in types]).astype(np.int64)


def measure_openness(
    method: str, open_cells: np.ndarray, cell_topic: np.ndarray, region_topic: np.ndarray, cell_type: np.ndarray,
    types: list[str],
) -> np.ndarray:  # fmt: skip
    """Openness of each region in each type, relative to the mean over regions, so that depth does not matter.

    Parameters
    ----------
    method
        ``topics``: probability of the region in the type's mean cell under the topic model.
        ``observed``: cells of the type with a count in the region.
    open_cells
        types x regions, cells with a count.
    cell_topic, region_topic
        cells x topics, regions x topics.

    Returns
    -------
    types x regions, mean 1 in each row.
    """
    if method == "topics":
        raw = np.vstack([region_topic @ cell_topic[cell_type == t].mean(axis=0) for t in types])
    elif method == "observed":
        raw = open_cells.astype(float)
    else:
        raise InputError(f"grn.cell_type.openness is {method!r}", "topics or observed", "correct the config")
    return raw / np.maximum(raw.mean(axis=1, keepdims=True), np.finfo(float).tiny)


def build_cell_type_grn(
    eregulons: pd.DataFrame,
    rss: pd.Series,
    tf_fraction: pd.Series,
    openness: pd.Series,
    open_cells: pd.Series,
    *,
    min_rss_quantile: float,
    min_tf_cells: float,
    min_openness: float,
    min_open_cells: int,
    weights: Mapping[str, float],
) -> pd.DataFrame:
    """Build the GRN of one type.

    Kept are triplets of eRegulons whose regulon specificity score in the type (Suo et al. 2018, doi
    10.1016/j.celrep.2018.10.045) is at or above a quantile of all eRegulons' scores there, whose TF is detected in
    the type, and whose region is open in it. An edge's weight is the weighted mean of up to three percentile ranks
    (0 to 1, mean rank for ties) over the type's edges: the TF's importance for the gene, the importance of the gene's
    best region among those that carry the edge, and the openness of the most open of them. Triplets without a region
    pass the openness filter, and their two parts that rest on regions are neutral, 0.5.

    Parameters
    ----------
    eregulons
        Contract eregulons.
    rss
        Regulon specificity score in the type, by eRegulon.
    tf_fraction
        Share of the type's cells that detect a gene, by symbol.
    openness, open_cells
        Relative openness, and cells with a count, by region.
    weights
        Weight of the parts tf_gene, region_gene, openness, triplet.

    Returns
    -------
    Table by contract cell_type_grn, sorted by TF and gene; may have no row.
    """
    import pandas as pd

    specific = rss.index[rss >= rss.quantile(min_rss_quantile)]
    rows = eregulons[eregulons["eregulon"].isin(set(specific))]
    rows = rows[rows["tf"].map(tf_fraction).fillna(0) >= min_tf_cells]
    # without a region (regulons of TF and genes alone) nothing is said of openness: neither kept out nor weighed
    placed = rows["region"] != ""
    rows = rows.assign(
        openness=rows["region"].map(openness).fillna(0).where(placed),
        region_gene_weight=rows["region_gene_weight"].where(placed),
        triplet=-rows["triplet_rank"].where(placed) if "triplet_rank" in rows else np.nan,
    )
    is_open = (rows["openness"] >= min_openness) & (rows["region"].map(open_cells).fillna(0) >= min_open_cells)
    rows = rows[is_open | ~placed]
    columns = ["tf", "gene", "weight", "sign", "regions", "eregulons", "evidence"]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    edges = (
        rows.groupby(["tf", "gene"], sort=True)
        .agg(
            tf_gene=("tf_gene_weight", "max"),
            region_gene=("region_gene_weight", "max"),
            openness=("openness", "max"),
            triplet=("triplet", "max"),
            eregulon=("eregulon", "first"),
            regions=("region", lambda r: _distinct(r[r != ""])),
            eregulons=("eregulon", _distinct),
            evidence=("evidence", lambda e: "|".join(_distinct(e))),
        )
        .reset_index()
    )
    total = sum(weights.values())
    if total <= 0:
        raise InputError("grn.cell_type.weights are all 0", "at least one above 0", "correct the config")
    ranks = {part: edges[part].rank(pct=True).fillna(_NEUTRAL) for part in weights}
    edges["weight"] = sum(ranks[part] * weight for part, weight in weights.items()) / total
    edges["sign"] = edge_signs(edges["eregulon"])  # a pair has one sign in all its eRegulons
    return edges[columns]


def edge_signs(eregulon: pd.Series) -> np.ndarray:
    """Sign of the TF-gene edges of eRegulons, 1 or -1, from their names (<TF>_<annotation>_<TF-gene>/<region-gene>).

    Not from the correlation: where it is too weak to have a sign, the evidence gave the eRegulon its own.
    """
    return np.where(eregulon.str[-3] == "+", 1, -1)


def _distinct(values: pd.Series) -> list[str]:
    return sorted(set(values))


def build_cell_type_grns(
    eregulons: pd.DataFrame,
    specificity: pd.DataFrame,
    genes: list[str],
    regions: list[str],
    expression: sp.csr_matrix,
    accessible: sp.csr_matrix,
    cell_type: np.ndarray,
    cell_topic: np.ndarray,
    region_topic: np.ndarray,
    *,
    openness: str,
    min_rss_quantile: float,
    min_tf_cells: float,
    min_openness: float,
    min_open_cells: int,
    weights: Mapping[str, float],
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Build the GRN of every type: see `build_cell_type_grn`.

    Parameters
    ----------
    specificity
        Contract specificity: eregulon, cell_type, rss.
    genes, regions
        Names of the columns of `expression` and `accessible`.
    expression, accessible
        cells x genes and cells x regions.
    cell_type
        Type of each cell.
    cell_topic, region_topic
        cells x topics, regions x topics, in the same order.

    Returns
    -------
    GRN per type, and the summary (contract cell_type_summary).

    Raises
    ------
    InputError
        If a type has no edge.
    """
    import pandas as pd

    types = sorted({str(t) for t in cell_type})
    open_cells = fraction_by_type(accessible, cell_type, types)
    detected = fraction_by_type(expression, cell_type, types)
    relative = measure_openness(openness, open_cells, cell_topic, region_topic, cell_type, types)
    networks, summary = {}, []
    for i, name in enumerate(types):
        rss = specificity[specificity["cell_type"] == name].set_index("eregulon")["rss"]
        n_cells = int((cell_type == name).sum())
        network = build_cell_type_grn(
            eregulons,
            rss,
            pd.Series(detected[i] / n_cells, index=genes),
            pd.Series(relative[i], index=regions),
            pd.Series(open_cells[i], index=regions),
            min_rss_quantile=min_rss_quantile,
            min_tf_cells=min_tf_cells,
            min_openness=min_openness,
            min_open_cells=min_open_cells,
            weights=weights,
        )
        if network.empty:
            raise InputError(
                f"cell type {name!r} ({n_cells} cells) has no edge: of {eregulons['eregulon'].nunique()} eRegulons "
                f"{len(rss)} have a specificity in it; {int((relative[i] >= min_openness).sum())} regions are open",
                "at least one eRegulon with its TF detected and a region open in every type",
                "lower min_rss_quantile, min_tf_cells, min_openness or min_open_cells of grn.cell_type, or merge types",
            )
        networks[name] = network
        summary.append(
            {
                "cell_type": name,
                "cells": n_cells,
                "eregulons": len(set().union(*network["eregulons"])),
                "tfs": network["tf"].nunique(),
                "genes": network["gene"].nunique(),
                "regions": len(set().union(*network["regions"])),
                "edges": len(network),
                "activating": int((network["sign"] > 0).sum()),
                "repressing": int((network["sign"] < 0).sum()),
                "mean_targets": len(network) / network["tf"].nunique(),
            }
        )
    return networks, pd.DataFrame(summary)
