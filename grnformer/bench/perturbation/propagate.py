"""Signed propagation: a perturbed gene acts on its targets, these on theirs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp

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
    names = pd.Index(
        np.unique(
            np.concatenate([pairs["source"], pairs["target"], perturbations, genes])
        )
    )
    weight = pairs["weight"] if "weight" in pairs else pd.Series(1.0, pairs.index)
    if signed:
        weight = weight * pairs["sign"].where(pairs["sign"] != 0, 1)
    place = names.get_indexer(pairs["source"]), names.get_indexer(pairs["target"])
    edges = sp.csr_matrix((weight.astype(float), place), shape=(len(names),) * 2)

    # rows sum to 1: a TF with many targets does not act more on each
    total = np.asarray(abs(edges).sum(axis=1)).ravel()
    edges = sp.diags(1 / np.where(total > 0, total, 1)) @ edges

    reached = edges[names.get_indexer(perturbations)]
    found = reached.copy()
    for step in range(1, _STEPS):
        reached = reached @ edges
        found = found + _DAMPING**step * reached
    dense = found.tocsc()[:, names.get_indexer(genes)].toarray()
    return -dense if signed else np.abs(dense)
