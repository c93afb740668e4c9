"""TF-gene networks from expression, one method a file; each takes expression, genes, TF and target columns.

A method returns an array, targets x TFs, of importances, 0 where it sees no link. The originals run before, in an
environment apart (rule run_arboreto); their methods take what they found from its table.
"""

from collections.abc import Callable

import numpy as np

from grnformer.core.methods import Methods

METHODS: Methods[Callable[..., np.ndarray]] = Methods(__name__)
