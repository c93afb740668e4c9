"""TF-gene importance from expression."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grnformer.core.methods import names
from grnformer.settings.key import PartFraction, Settings, key

FeatureFraction = Annotated[float, Field(gt=0, le=1)]
STEP = "fraction of each tree's step that is taken"
TREES = "trees a target; boosting nearly always stops long before"
FEATURES = "fraction of the TFs sampled at each split"
CELLS = "fraction of the cells sampled for each tree; the others say when to stop"


class HistBoosting(Settings):
    """Gradient boosting with GRNBoost2's settings (Moerman et al. 2019, doi 10.1093/bioinformatics/bty916)."""

    learning_rate: float = key(0.01, STEP, gt=0, le=1)
    max_trees: int = key(5000, TREES, unit="trees", ge=1, le=100000)
    max_features: float = key(0.1, FEATURES, gt=0, le=1)
    subsample: PartFraction = key(0.9, CELLS)
    max_bins: int = key(64, "distinct non-zero values of a TF", unit="bins", ge=2, le=100000)
    importance: Literal["trees", "share", "gain"] = key(
        "trees",
        "a target's importances sum to its number of trees (arboreto); share: to 1; gain: each is the fraction of the "
        "target's sum of squares that the TF's splits remove",
    )


class ArboretoGrnboost2(Settings):
    """arboreto's GRNBoost2 in an environment apart (make env-pyscenic).

    Moerman et al. 2019, doi 10.1093/bioinformatics/bty916.
    """

    learning_rate: float = key(0.01, STEP, gt=0, le=1)
    n_trees: int = key(5000, TREES, unit="trees", ge=1, le=100000)
    max_features: float = key(0.1, FEATURES, gt=0, le=1)
    subsample: PartFraction = key(0.9, CELLS)
    stop_window: int = key(25, "trees over which the improvement in left-out cells is averaged", unit="trees", ge=1)


class ArboretoGenie3(Settings):
    """arboreto's GENIE3 in an environment apart (make env-pyscenic).

    Huynh-Thu et al. 2010, doi 10.1371/journal.pone.0012776.
    """

    n_trees: int = key(1000, "trees a target", unit="trees", ge=1, le=100000)
    max_features: Literal["sqrt", "log2"] | FeatureFraction = key(
        "sqrt", "TFs sampled at each split: by rule, or a fraction of the TFs"
    )


class TfGene(Settings):
    """TF-gene importance from expression."""

    method: str = key(
        "hist_boosting",
        "hist_boosting; coexpression: absolute Spearman correlation, the plain control; arboreto_grnboost2, "
        "arboreto_genie3: the originals",
        options=names("grnformer.grn.tf_gene"),
    )
    min_cells: int = key(10, "cells a TF or target gene must be detected in", unit="cells", ge=1)
    hist_boosting: HistBoosting = HistBoosting()
    arboreto_grnboost2: ArboretoGrnboost2 = ArboretoGrnboost2()
    arboreto_genie3: ArboretoGenie3 = ArboretoGenie3()
