"""TF-gene networks from expression, one method a file; each takes expression, genes, TF and target columns.

A method gives an array, targets x TFs, of importances, 0 where it sees no link.
"""

from collections.abc import Callable

import numpy as np

from grnformer.grn.tf_gene import coexpression, hist_boosting

METHODS: dict[str, Callable[..., np.ndarray]] = {
    "hist_boosting": hist_boosting.infer,
    "coexpression": coexpression.infer,
}
