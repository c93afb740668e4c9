"""From expression to tokens: what the tokenisers of all backbones give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from grnformer.data.tokens import expressed_blocks


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
    def tokenise(
        self, values: sp.csr_matrix, n_tokens: int, rng: np.random.Generator
    ) -> Tokens:
        """The tokens of each cell, at most `n_tokens`."""

    def blocks(self, values: sp.csr_matrix, n_tokens: int) -> list[Tokens]:
        """Tokens of every expressed gene of each cell once, in blocks of at most `n_tokens`; nothing is drawn."""
        return [Tokens(*block) for block in expressed_blocks(values, n_tokens)]

    def of_genes(self, genes: np.ndarray) -> Tokeniser:
        """The tokeniser of matrices that have only these genes (node numbers), in that order."""
        return self


def join_tokens(parts: list[tuple[np.ndarray, Tokens]], n_rows: int) -> Tokens:
    """Tokens of all rows from those of some: (places, tokens) each; shorter ones are padded."""
    length = max(tokens.gene_BL.shape[1] for _, tokens in parts)
    gene_BL, value_BL = (
        np.zeros((n_rows, length), np.int64),
        np.zeros((n_rows, length), np.float32),
    )
    present_BL, depth_B = np.zeros((n_rows, length), bool), None

    padded = False
    for places, tokens in parts:
        there = np.s_[places, : tokens.gene_BL.shape[1]]
        gene_BL[there], value_BL[there] = tokens.gene_BL, tokens.value_BL
        present_BL[there] = True if tokens.present_BL is None else tokens.present_BL
        # Padded by the tokeniser, or here, behind the tokens of a longer part.
        padded |= tokens.present_BL is not None or tokens.gene_BL.shape[1] < length
        if tokens.depth_B is not None:
            depth_B = (
                np.zeros(n_rows, tokens.depth_B.dtype) if depth_B is None else depth_B
            )
            depth_B[places] = tokens.depth_B
    return Tokens(gene_BL, value_BL, present_BL if padded else None, depth_B)
