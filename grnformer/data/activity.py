"""Which eRegulons are active in the cells of a batch: as stored, or inferred from the genes that are not masked."""

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
    """Active eRegulons by cell, inferred from all genes; found without a pass over the whole table for each batch."""

    def __init__(self, graph: Graph) -> None:
        names = graph.activity["cell"].to_numpy(object).astype(str)
        cell, row = np.unique(names, return_inverse=True)
        row = row.reshape(-1)

        # Pairs sorted by cell, with where each cell's begin: the layout of a CSR matrix.
        order = np.argsort(row, kind="stable")
        self._eregulon = graph.activity["eregulon"].to_numpy()[order]
        # One more count than cells: get_indexer gives -1, the last, to cells without an active eRegulon.
        count = np.bincount(row, minlength=len(cell) + 1)
        self._first = np.r_[0, np.cumsum(count)]

        self._cells = pd.Index(cell)
        self._n_eregulons = len(graph.eregulon_names)

    def rows(self, cells: np.ndarray) -> np.ndarray:
        """1 where active, float32 (cells, eRegulons)."""
        place = self._cells.get_indexer(cells)
        first = self._first[place]
        count = self._first[1:][place] - first

        # All pairs of all cells at once: each cell's first pair, plus 0, 1, ... up to its count.
        before = np.cumsum(count) - count
        offset = np.arange(count.sum()) - np.repeat(before, count)
        pair = np.repeat(first, count) + offset

        active = np.zeros((len(cells), self._n_eregulons), np.float32)
        row = np.repeat(np.arange(len(cells)), count)
        active[row, self._eregulon[pair]] = 1
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

    def __init__(
        self, graph: Graph, store: CellStore, nodes: np.ndarray | None = None
    ) -> None:
        self._columns = store.columns
        if nodes is not None:
            # Node -> column of the file; -1 where it lacks the gene: never a token.
            self._columns = np.full(len(graph.genes), -1)
            self._columns[nodes] = store.columns

        self._n_eregulons = len(graph.eregulon_names)
        self._rank_cutoff = graph.rank_cutoff
        self._scored = graph.thresholds["eregulon"].to_numpy()
        self._thresholds = graph.thresholds["threshold"].to_numpy()
        self._members = self._find_members(graph, store)

    def _find_members(self, graph: Graph, store: CellStore) -> sp.csr_matrix:
        """1 where a gene of the store is a member, genes x scored eRegulons."""
        genes = graph.members["gene"]
        place = store.all_genes.get_indexer(genes)
        missing = np.flatnonzero(place < 0)
        if len(missing):
            raise InputError(
                f"{len(missing)} genes of eRegulons are not in the matrix, first {genes.iloc[missing[0]]!r}",
                "all genes of the eRegulons",
                "build the bundle from this very file",
            )

        # Thresholds stand by ascending eRegulon: a search gives its column.
        column = np.searchsorted(self._scored, graph.members["eregulon"].to_numpy())
        shape = (len(store.all_genes), len(self._scored))
        return sp.csr_matrix((np.ones(len(place)), (place, column)), shape=shape)

    @property
    def n_needed(self) -> int:
        """Genes that must be known to score: all of the store, or none if no eRegulon is to be scored."""
        return self._members.shape[0] if len(self._scored) else 0

    def needed(self, expression: sp.csr_matrix) -> sp.csr_matrix:
        """Leave out the genes if no eRegulon is to be scored, to save the memory."""
        return expression if len(self._scored) else expression[:, :0]

    def score(
        self, expression: sp.csr_matrix, gene_BL: np.ndarray, masked_BL: np.ndarray
    ) -> np.ndarray:
        """Score cells (all genes) without the genes (numbers in the graph) that are masked.

        Returns 1 where active, float32 (cells, eRegulons).
        """
        active = np.zeros((len(gene_BL), self._n_eregulons), np.float32)
        if not len(self._scored):
            return active

        # numba compiles AUCell when it is imported: only runs that score pay for it.
        from grnformer.grn.activity.recovery import score_cells

        # (cells, genes of the file): all of them are ranked, only some are tokens.
        masked = np.zeros(expression.shape, bool)
        masked_row = np.nonzero(masked_BL)[0]
        masked[masked_row, self._columns[gene_BL[masked_BL]]] = True

        row = np.repeat(np.arange(len(gene_BL)), np.diff(expression.indptr))
        # A stored 0 ranks as a gene that is not expressed.
        data = np.where(masked[row, expression.indices], 0, expression.data)
        # New values over the same index arrays, which are not copied.
        visible = sp.csr_matrix(
            (data, expression.indices, expression.indptr), shape=expression.shape
        )

        auc = score_cells(visible, self._members, self._rank_cutoff)
        # eRegulons without an edge in the graph have no threshold and stay 0.
        active[:, self._scored] = auc > self._thresholds
        return active
