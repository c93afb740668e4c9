"""From expression to tokens: what the tokenisers of all backbones give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Tokens:
    """Tokens of B cells as arrays: gene (node number), value (0: not expressed), (B, L) each.

    `present_BL` is False where a cell has no more tokens (None: no padding); `depth_B` is log10 of a cell's counts
    (None where the backbone does not look at it).
    """

    gene_BL: np.ndarray
    value_BL: np.ndarray
    present_BL: np.ndarray | None = None
    depth_B: np.ndarray | None = None


class Tokeniser(ABC):
    """From expression to tokens; without weights, so that it is light to send to a worker."""

    @abstractmethod
    def values(self, expression: sp.csr_matrix) -> sp.csr_matrix:
        """The backbone's value of every expressed gene of each cell, above 0; the same sparsity."""

    @abstractmethod
    def tokenise(self, values: sp.csr_matrix, n_tokens: int, rng: np.random.Generator) -> Tokens:
        """The tokens of each cell, at most `n_tokens`."""

    def of_genes(self, genes: np.ndarray) -> Tokeniser:
        """The tokeniser of matrices that have these genes (node numbers) alone, in that order."""
        return self
