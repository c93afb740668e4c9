"""Signed propagation of a perturbation that has no size: what reaches each gene from the perturbed one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.infer.perturb.propagate import propagate_changes, share_matrix

_STEPS = 2
_DAMPING = 0.5


def propagate(
    pairs: pd.DataFrame, perturbations: np.ndarray, genes: np.ndarray, signed: bool
) -> np.ndarray:
    """Score genes by what reaches them from the perturbed gene, each further step halved.

    A gene's effect is divided among its targets. A knocked-down activator lowers its targets: for directions the score
    is negative where activation reaches a gene. For responses it is the size of what reaches it, whatever the sign.

    Parameters
    ----------
    pairs
        source, target, sign (-1, 0, 1; 0 counts as activation where nothing else is known) and optionally weight.

    Returns
    -------
    (perturbations, genes), 0 where nothing arrives.
    """
    # by hash: to sort the names of a dense network's ends would take longer than all else
    ends = [pairs["source"], pairs["target"], pd.Series(perturbations)]
    names = pd.Index(pd.concat([*ends, pd.Series(genes)]).astype(object).unique())
    sign = pairs["sign"].where(pairs["sign"] != 0, 1) if signed else 1
    shares = share_matrix(pairs.assign(sign=sign), names, per="source")

    place = np.arange(len(perturbations)), names.get_indexer(perturbations)
    start = sp.csr_matrix(
        (np.ones(len(perturbations)), place), (len(perturbations), len(names))
    )
    reached = propagate_changes(shares, start, _STEPS, damping=_DAMPING) - start
    found = np.asarray(reached)[:, names.get_indexer(genes)] / _DAMPING
    return -found if signed else np.abs(found)
