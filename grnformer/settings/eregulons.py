"""eRegulons and their quality."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grnformer.settings.key import Count, Settings, key

Quantile = Annotated[float, Field(ge=0, lt=1)]


class Eregulons(Settings):
    """eRegulons (Bravo González-Blas et al. 2023, doi 10.1038/s41592-023-01938-4)."""

    sign_pairs: list[Literal["+/+", "+/-", "-/+", "-/-"]] = key(
        ["+/+", "-/+"],
        "kept classes: sign of the TF-gene / of the region-gene correlation. SCENIC+'s standard filter: open regions "
        "activate",
        min_length=1,
        unique=True,
    )
    min_abs_rho_tf_gene: float = key(
        0.03, "weaker TF-gene correlations have no sign and are left out", ge=0, le=1
    )
    min_abs_rho_region_gene: float = key(
        0.05,
        "weaker region-gene correlations have no sign and are left out",
        ge=0,
        le=1,
    )
    sign_from_evidence: bool = key(
        True, "TF-gene pairs of weak correlation take the sign that the evidence states"
    )
    keep_known_targets: bool = key(
        True,
        "targets whose sign the evidence states need no leading edge: at 500 UMIs it is chance",
    )
    weak_signs: Literal["left_out", "activating"] = key(
        "left_out",
        "pairs and links whose correlation is too weak for a sign, and of which the evidence states none",
    )
    targets: Literal["leading_edge", "all"] = key(
        "leading_edge",
        "genes of a cistrome that are kept: those in its leading edge by importance, or all of the sign, where the "
        "cistrome says more of a TF's targets than expression does",
    )
    order_links_by: Literal["weight", "importance", "rho", "importance_x_rho"] = key(
        "weight",
        "what binarisations order a gene's links by, and what a triplet's link weighs; SCENIC+: importance",
    )
    quantiles: list[Quantile] = key(
        [0.85, 0.9, 0.95],
        "binarisations: a gene's links above this quantile of their importance",
    )
    top_regions: list[Count] = key(
        [5, 10, 15], "binarisations: this number of a gene's best links", unit="regions"
    )
    basc: bool = key(
        False,
        "binarisation: a gene's links above the steepest step of their importance (BASC A, Hopfensitz et al. 2012, doi "
        "10.1109/TCBB.2011.62)",
    )
    binarise_each_sign: bool = key(
        False,
        "binarise a gene's links of either sign by themselves, as SCENIC+; false: all links of the gene together",
    )
    min_targets: int = key(10, "genes an eRegulon must have", unit="genes", ge=1)
    min_targets_each: bool = key(
        False,
        "every binarisation must have min_targets genes, as in SCENIC+; false: their union must",
    )
    extended: Literal["all", "without_direct", "none"] = key(
        "all",
        "eRegulons of extended cistromes: all, those of TFs that have no direct eRegulon of the sign pair, none",
    )


class Quality(Settings):
    """Does the TF's expression follow the activity (AUCell) of its target genes and of its target regions?"""

    filter: bool = key(
        False,
        "drop the eRegulons that fall short of min_rho_*; the table is written either way",
    )
    accessibility: Literal["binary", "counts", "topics"] = key(
        "binary",
        "what ranks the regions of a cell: open or not, counts, or imputed by the topic model",
    )
    units: Literal["pseudobulks", "cells"] = key(
        "pseudobulks",
        "correlated over pseudobulks (means of cells of one type) or over cells",
    )
    pseudobulk_cells: int = key(
        10, "cells in a pseudobulk, sampled from one type", unit="cells", ge=1
    )
    correlation: Literal["pearson", "spearman"] = key("pearson", "which correlation")
    min_rho_genes: float = key(
        0.2,
        "least correlation with the target genes' activity, times the TF-gene sign",
        ge=-1,
        le=1,
    )
    min_rho_regions: float = key(
        0.2,
        "least correlation with the target regions' activity, times both signs",
        ge=-1,
        le=1,
    )
