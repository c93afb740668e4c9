"""Which eRegulons are active in the cells of a batch: as stored, or told from the genes that are not masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.graph.bundle import Graph

if TYPE_CHECKING:
    from grnformer.data.cells import CellStore


class StoredActivity:
    """Active eRegulons by cell, told from all genes; found without a pass over the whole table for each batch."""

    def __init__(self, graph: Graph) -> None:
        cell, row = np.unique(graph.activity["cell"].to_numpy(object).astype(str), return_inverse=True)
        order = np.argsort(row.reshape(-1), kind="stable")
        self._cells, self._n_eregulons = pd.Index(cell), len(graph.eregulon_names)
        self._numbers = graph.activity["eregulon"].to_numpy()[order]
        count = np.bincount(row.reshape(-1), minlength=len(cell) + 1)  # the last: cells without an active eRegulon
        self._first = np.r_[0, np.cumsum(count)]

    def rows(self, cells: np.ndarray) -> np.ndarray:
        """1 where active, float32 (cells, eRegulons)."""
        place = self._cells.get_indexer(cells)
        first = self._first[place]
        count = self._first[1:][place] - first
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        active = np.zeros((len(cells), self._n_eregulons), np.float32)
        active[np.repeat(np.arange(len(cells)), count), self._numbers[np.repeat(first, count) + offset]] = 1
        return active


class VisibleActivity:
    """Active eRegulons by AUCell with masked genes as if not expressed, so that a graph knows no masked value.

    With nothing masked, the calls are those of `score_activity`. Control graphs carry the eRegulons' true members, so
    that the same cells open the same number of edges in them.

    Parameters
    ----------
    graph
        Of a bundle; without members (no edges on the scale of cells), nothing is active and nothing is computed.
    store
        Whose genes are ranked.
    nodes
        Node numbers of the store's genes; None: all of the graph.

    Raises
    ------
    InputError
        If a member is not among the genes of the store.
    """

    def __init__(self, graph: Graph, store: CellStore, nodes: np.ndarray | None = None) -> None:
        self._columns, self._n_eregulons = store.columns, len(graph.eregulon_names)
        if nodes is not None:
            self._columns = np.full(len(graph.genes), -1)
            self._columns[nodes] = store.columns
        self._rank_cutoff = graph.rank_cutoff
        self._numbers = graph.thresholds["eregulon"].to_numpy()
        self._thresholds = graph.thresholds["threshold"].to_numpy()
        place = store.all_genes.get_indexer(graph.members["gene"])
        if (place < 0).any():
            raise InputError(
                f"{(place < 0).sum()} genes of eRegulons are not in the matrix, first "
                f"{graph.members['gene'].iloc[np.flatnonzero(place < 0)[0]]!r}",
                "all genes of the eRegulons",
                "build the bundle from this very file",
            )
        column = np.searchsorted(self._numbers, graph.members["eregulon"].to_numpy())
        shape = (len(store.all_genes), len(self._numbers))
        self._members = sp.csr_matrix((np.ones(len(place)), (place, column)), shape=shape)

    @property
    def n_needed(self) -> int:
        """Genes that must be known to score: all of the store, or none if no eRegulon is to be scored."""
        return self._members.shape[0] if len(self._numbers) else 0

    def needed(self, expression: sp.csr_matrix) -> sp.csr_matrix:
        """Leave out the genes if no eRegulon is to be scored, to save the memory."""
        return expression if len(self._numbers) else expression[:, :0]

    def score(self, expression: sp.csr_matrix, gene_BL: np.ndarray, masked_BL: np.ndarray) -> np.ndarray:
        """Score cells (all genes) without the genes (numbers in the graph) that are masked.

        Returns 1 where active, float32 (cells, eRegulons).
        """
        active = np.zeros((len(gene_BL), self._n_eregulons), np.float32)
        if not len(self._numbers):
            return active
        from grnformer.grn.activity.recovery import score_cells

        hidden = np.zeros(expression.shape, bool)
        hidden[np.nonzero(masked_BL)[0], self._columns[gene_BL[masked_BL]]] = True
        row = np.repeat(np.arange(len(gene_BL)), np.diff(expression.indptr))
        data = np.where(hidden[row, expression.indices], 0, expression.data)
        visible = sp.csr_matrix((data, expression.indices, expression.indptr), shape=expression.shape)
        active[:, self._numbers] = score_cells(visible, self._members, self._rank_cutoff) > self._thresholds
        return active
