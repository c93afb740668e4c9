"""GENIE3 by arboreto, in an environment apart (Huynh-Thu et al. 2010, doi 10.1371/journal.pone.0012776)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from grnformer.core.methods import method
from grnformer.grn.tf_gene.adjacencies import take_importance
from grnformer.settings.key import PositiveFraction, Settings, key


class ArboretoGenie3(Settings):
    """arboreto's GENIE3 in an environment apart (make env-pyscenic).

    Huynh-Thu et al. 2010, doi 10.1371/journal.pone.0012776.
    """

    n_trees: int = key(1000, "trees a target", unit="trees", ge=1, le=100000)
    max_features: Literal["sqrt", "log2"] | PositiveFraction = key(
        "sqrt", "TFs sampled at each split: by rule, or a fraction of the TFs"
    )


@method("arboreto_genie3", settings=ArboretoGenie3, environment="pyscenic")
def infer(*data: Any, **options: Any) -> np.ndarray:
    """Return the importances that workflow/originals/run_arboreto.py has inferred: see `take_importance`."""
    return take_importance(*data, **options)
