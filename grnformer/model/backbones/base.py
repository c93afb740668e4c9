"""What a backbone must offer: tokens of cells, encoding, reconstruction of masked values, a cell embedding.

Shapes: B cells, L gene tokens, 1 + L tokens with the cell's own first, D width, N genes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn


@dataclass(frozen=True)
class Tokens:
    """Tokens of B cells as arrays: gene (node number), value (0 to 1), (B, L) each; no padding."""

    gene_BL: np.ndarray
    value_BL: np.ndarray


class Backbone(nn.Module):
    """A backbone over N genes; `width` is D. Values are between 0 (not expressed) and 1 (highest of the cell)."""

    width: int

    @staticmethod
    def values(expression: sp.csr_matrix, n_bins: int) -> sp.csr_matrix:
        """The backbone's value of every expressed gene of a cell; the same sparsity."""
        raise NotImplementedError

    @staticmethod
    def tokenise(values: sp.csr_matrix, n_tokens: int, expressed_share: float, rng: np.random.Generator) -> Tokens:
        """Draw the tokens of each cell."""
        raise NotImplementedError

    def gene_embedding(self) -> torch.Tensor:
        """(N, D)."""
        raise NotImplementedError

    def start_genes(self, embedding: np.ndarray) -> None:
        """Add (N, D) to the gene embeddings before training."""
        raise NotImplementedError

    def encode(
        self, gene_BL: torch.Tensor, value_BL: torch.Tensor, masked_BL: torch.Tensor, drop_last: bool
    ) -> torch.Tensor:
        """(B, 1 + L, D); masked values are not looked at; `drop_last` leaves out the last layer."""
        raise NotImplementedError

    def reconstruct(self, h_BTD: torch.Tensor, gene_BL: torch.Tensor) -> torch.Tensor:
        """Standardised value of each gene token from its own state, (B, L)."""
        raise NotImplementedError

    def reconstruct_from_cell(self, cell_BD: torch.Tensor, gene_BL: torch.Tensor) -> torch.Tensor:
        """Standardised value of genes from the cell embedding alone, (B, L)."""
        raise NotImplementedError

    def cell_embedding(self, h_BTD: torch.Tensor) -> torch.Tensor:
        """(B, D)."""
        raise NotImplementedError
