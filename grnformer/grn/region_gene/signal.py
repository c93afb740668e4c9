"""What region-gene links are inferred from: expression and accessibility over the same units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Data:
    """Inputs of the accessibility methods; cells and regions in the same order throughout.

    expression: cells x genes, log1p. rna_counts: cells x genes. accessible: cells x regions, 0 or 1.
    cell_topic: cells x topics. region_topic: regions x topics.
    """

    expression: sp.csr_matrix
    rna_counts: sp.csr_matrix
    accessible: sp.csr_matrix
    cell_topic: np.ndarray
    region_topic: np.ndarray


@dataclass(frozen=True)
class Signal:
    """Expression and accessibility over units (cells, groups of cells or metacells).

    expression: units x genes, CSC, not negative. accessibility(regions): len(regions) x units, dense float32, computed
    when asked for, so that regions x units is never whole in memory. cells: where units are means of cells, these,
    which are correlated in their place: means of many cells correlate more.
    """

    expression: sp.csc_matrix
    accessibility: Callable[[np.ndarray], np.ndarray]
    cells: Signal | None = None
