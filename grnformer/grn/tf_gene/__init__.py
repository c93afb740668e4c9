"""TF-gene networks from expression, one method a file; each takes expression, genes, TF and target columns.

A method gives an array, targets x TFs, of importances, 0 where it sees no link. The originals run before, in their own
environment (rule run_arboreto); what they found is taken from their table.
"""

from collections.abc import Callable

import numpy as np

from grnformer.grn.tf_gene import coexpression, hist_boosting, original

METHODS: dict[str, Callable[..., np.ndarray]] = {
    "hist_boosting": hist_boosting.infer,
    "coexpression": coexpression.infer,
    "arboreto_grnboost2": original.take,
    "arboreto_genie3": original.take,
}
