"""Activity of eRegulons in cells, and the networks of cell types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grnformer.core.methods import names
from grnformer.settings.key import Settings, key

Weight = Annotated[float, Field(ge=0)]


class Cell(Settings):
    """eRegulon activity of cells (AUCell, Aibar et al. 2017, doi 10.1038/nmeth.4463)."""

    method: str = key(
        "aucell",
        "ours, or pySCENIC in an environment apart (make env-pyscenic), which ranks zeros at random and lowers no "
        "cut-off",
        options=names("grnformer.grn.activity"),
    )
    auc_threshold: float = key(
        0.05, "largest rank cut-off of AUCell, as a fraction of all genes", gt=0, le=1
    )
    detected_quantile: float = key(
        0.05,
        "the cut-off is lowered to this quantile of the number of genes detected in a cell",
        ge=0,
        le=1,
    )
    min_separation: float = key(
        2,
        "least distance of two modes, in root mean square SD (Ashman's D)",
        unit="SD",
        ge=0,
    )
    min_weight: float = key(
        0.05, "least fraction of cells in the smaller of two modes", ge=0, le=0.5
    )
    max_overlap: float = key(
        0.1,
        "mean probability of a wrong call above which a threshold is doubtful",
        ge=0,
        le=0.5,
    )


class Weights(Settings):
    """Parts of an edge's weight, each a rank between 0 and 1."""

    tf_gene: Weight = key(1, "importance of the TF for the gene")
    region_gene: Weight = key(
        1, "weight of the best link to the gene (grn.eregulons.order_links_by)"
    )
    openness: Weight = key(1, "openness of the most open region")
    triplet: Weight = key(0, "rank of the edge's best TF-region-gene triplet")
    binding: Weight = key(
        0, "score of the cistrome: with the method promoter, log odds of binding"
    )
    expression: Weight = key(
        0, "fraction of the type's cells that detect the target gene"
    )


class CellType(Settings):
    """One GRN for each cell type."""

    min_rss_quantile: float = key(
        0.25,
        "a type keeps eRegulons at or above this quantile of its regulon specificity scores",
        ge=0,
        lt=1,
    )
    min_tf_cells: float = key(
        0.01, "fraction of the type's cells a TF must be detected in", ge=0, le=1
    )
    openness: Literal["topics", "observed"] = key(
        "topics",
        "accessibility of a region in a type: from the topic model, or the fraction of cells with a count",
    )
    min_openness: float = key(
        1,
        "least openness of a region, relative to the mean over all regions in the type",
        unit="ratio",
        ge=0,
    )
    min_open_cells: int = key(
        1, "cells of the type that must have a count in the region", unit="cells", ge=0
    )
    weights: Weights = Weights()
