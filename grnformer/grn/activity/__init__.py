"""eRegulon activity of single cells, by methods, one a file; then thresholds, and specificity for cell types.

A method takes (expression, gene_sets, names, cells, scored=..., auc_threshold=..., detected_quantile=...) and returns
the AUCs, cells x eRegulons, and its rank cut-off.
"""

from collections.abc import Callable

import numpy as np

from grnformer.core.methods import Methods

METHODS: Methods[Callable[..., tuple[np.ndarray, int]]] = Methods(__name__)
