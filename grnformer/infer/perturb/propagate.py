"""Signed propagation: a changed gene acts on its targets, these on theirs.

The idea is CellOracle's (Kamimoto et al. 2023, doi 10.1038/s41586-022-05688-9): a few steps of a signed linear map,
the perturbed gene held at what it was set to, and no gene below 0 or above what it reaches in any cell.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp

# perturbations at a time: (block, genes) is dense
_BLOCK = 256


def share_matrix(
    pairs: pd.DataFrame, names: pd.Index, per: Literal["source", "target"]
) -> sp.csr_matrix:
    """Signed edges as shares, (names, names): sources in rows, targets in columns.

    Both ways no eigenvalue is larger than 1, so that no number of steps can make a change grow without bound.

    Parameters
    ----------
    pairs
        source, target, sign (-1, 0, 1; absent: all 1), weight (>= 0; absent: all 1). All genes are among `names`.
    per
        Whose absolute shares sum to 1. source: an effect is divided among its targets, and the changes of all genes
        together never exceed the first. target: a gene's change is a weighted mean of those of its regulators, and none
        exceeds the first.
    """
    weight = pairs["weight"] if "weight" in pairs else pd.Series(1.0, pairs.index)
    signed = weight * pairs["sign"] if "sign" in pairs else weight
    place = names.get_indexer(pairs["source"]), names.get_indexer(pairs["target"])
    edges = sp.csr_matrix((signed.astype(float), place), shape=(len(names),) * 2)

    total = np.asarray(abs(edges).sum(axis=1 if per == "source" else 0)).ravel()
    scale = sp.diags(1 / np.where(total > 0, total, 1))
    return sp.csr_matrix(scale @ edges if per == "source" else edges @ scale)


def propagate_changes(
    shares: sp.csr_matrix,
    start: sp.csr_matrix,
    steps: int,
    *,
    damping: float = 1.0,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Changes of all genes after some steps, from the changes that are imposed on some.

    x becomes start + damping * (x shares), a step at a time. With `bounds`, x is clipped to them and imposed changes
    are held, as CellOracle does.

    Parameters
    ----------
    shares
        See `share_matrix`.
    start
        (perturbations, genes); what is imposed is stored.
    steps
        Edges that a path has at most.
    damping
        Factor of each step, 0 to 1.
    bounds
        Lowest and highest change of each gene, (genes,) each; None: none, and a change may come back to its gene.

    Returns
    -------
    (perturbations, genes), in the unit of `start`; 0 where nothing arrives.
    """
    parts = []
    for first in range(0, start.shape[0], _BLOCK):
        imposed = start[first : first + _BLOCK]
        row, column = imposed.nonzero()
        given = imposed.toarray()
        change = given
        for _ in range(steps):
            change = given + damping * (change @ shares)
            if bounds is not None:
                change = np.clip(change, *bounds)
                change[row, column] = given[row, column]
        parts.append(change)
    return np.concatenate(parts) if parts else np.zeros(start.shape)


def spectral_radius(shares: sp.csr_matrix) -> float:
    """Largest size of an eigenvalue, at most 1 for shares; below 1, further steps die out, at 0 every path ends."""
    # only a gene with both regulators and targets can be in a cycle
    both = np.flatnonzero(
        (np.diff(shares.indptr) > 0) & (np.diff(shares.tocsc().indptr) > 0)
    )
    core = shares[both][:, both].toarray()
    return float(np.abs(np.linalg.eigvals(core)).max()) if len(core) else 0.0
