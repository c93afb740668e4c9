"""TF-gene importance from expression."""

from __future__ import annotations

from grnformer.core.methods import names
from grnformer.settings.key import Settings, key
from grnformer.settings.methods import with_methods


@with_methods("grnformer.grn.tf_gene")
class TfGene(Settings):
    """TF-gene importance from expression."""

    method: str = key(
        "hist_boosting",
        "hist_boosting; coexpression: absolute Spearman correlation, the plain control; arboreto_grnboost2, "
        "arboreto_genie3: the originals",
        options=names("grnformer.grn.tf_gene"),
    )
    min_cells: int = key(
        10, "cells a TF or target gene must be detected in", unit="cells", ge=1
    )
