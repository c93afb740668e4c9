"""GRNBoost2 by arboreto, in an environment apart (Moerman et al. 2019, doi 10.1093/bioinformatics/bty916)."""

from __future__ import annotations

from typing import Any

import numpy as np

from grnformer.core.methods import method
from grnformer.grn.tf_gene.adjacencies import take_importance
from grnformer.settings.key import PartFraction, Settings, key


class ArboretoGrnboost2(Settings):
    """arboreto's GRNBoost2 in an environment apart (make env-pyscenic).

    Moerman et al. 2019, doi 10.1093/bioinformatics/bty916.
    """

    learning_rate: float = key(
        0.01, "fraction of each tree's step that is taken", gt=0, le=1
    )
    n_trees: int = key(
        5000,
        "trees a target; boosting nearly always stops long before",
        unit="trees",
        ge=1,
        le=100000,
    )
    max_features: float = key(
        0.1, "fraction of the TFs sampled at each split", gt=0, le=1
    )
    subsample: PartFraction = key(
        0.9, "fraction of the cells sampled for each tree; the others say when to stop"
    )
    stop_window: int = key(
        25,
        "trees over which the improvement in left-out cells is averaged",
        unit="trees",
        ge=1,
    )


@method("arboreto_grnboost2", settings=ArboretoGrnboost2, environment="pyscenic")
def infer(*data: Any, **options: Any) -> np.ndarray:
    """Return the importances that workflow/originals/run_arboreto.py has inferred: see `take_importance`."""
    return take_importance(*data, **options)
