"""Which columns of a file are which genes; of a gene with several columns, all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp


@dataclass(frozen=True)
class GeneColumns:
    """Columns of a file by gene; iterating gives the first of each gene.

    Attributes
    ----------
    column
        Numbers of columns.
    gene
        Number of the gene that each is added to, ascending from 0 without gaps.
    """

    column: np.ndarray
    gene: np.ndarray

    @classmethod
    def of_single(cls, column: np.ndarray) -> GeneColumns:
        """One column for each gene."""
        return cls(column, np.arange(len(column)))

    @classmethod
    def of_names(
        cls, names: pd.Index, chosen: np.ndarray
    ) -> tuple[pd.Index, GeneColumns]:
        """Each name of the chosen columns (mask) once, in the order of the first, and its columns."""
        column = np.flatnonzero(chosen)
        codes, unique = pd.factorize(names[column])
        # Stable: columns of one gene stay in the order of the file.
        order = np.argsort(codes, kind="stable")
        return pd.Index(unique), cls(column[order], codes[order])

    @property
    def first(self) -> np.ndarray:
        """The first column of each gene."""
        return self.column[np.unique(self.gene, return_index=True)[1]]

    @property
    def has_twins(self) -> bool:
        """Whether a gene has several columns."""
        return len(self.column) > len(np.unique(self.gene))

    def __len__(self) -> int:
        return len(self.first)

    def __iter__(self) -> Iterator[int]:
        return iter(self.first.tolist())

    def are_all(self, n_columns: int) -> bool:
        """Whether the genes are all columns of a file, in its order."""
        return len(self) == n_columns and not self.has_twins

    def select(self, rows: sp.csr_matrix) -> sp.csr_matrix:
        """Rows by gene, columns of one gene summed: (rows, genes)."""
        if not self.has_twins:
            return sp.csr_matrix(rows[:, self.column])

        # 1 where a column is a gene's.
        ones = np.ones(len(self.column), rows.dtype)
        indicator = sp.csr_matrix(
            (ones, (self.column, self.gene)), shape=(rows.shape[1], len(self))
        )
        summed = sp.csr_matrix(rows @ indicator)
        summed.sort_indices()
        return summed
