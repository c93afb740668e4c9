"""GENIE3 by arboreto, in an environment apart (Huynh-Thu et al. 2010, doi 10.1371/journal.pone.0012776)."""

from __future__ import annotations

from typing import Any

import numpy as np

from grnformer.core.methods import method
from grnformer.grn.tf_gene.adjacencies import take_importance


@method("arboreto_genie3", environment="pyscenic")
def infer(*data: Any, **options: Any) -> np.ndarray:
    """Return the importances that workflow/originals/run_arboreto.py has inferred: see `take_importance`."""
    return take_importance(*data, **options)
