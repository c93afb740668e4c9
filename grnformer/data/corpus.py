"""The cells that a model is trained on, in one file or several: a dataset is a corpus of one.

Rows count through the files in their order. Genes are numbered as nodes of the graph.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.data.cells import CellStore
from grnformer.graph.bundle import Bundle, Graph


@dataclass(frozen=True)
class Part:
    """Cells of one file, which measures some of the graph's genes and knows some of its eRegulons.

    Attributes
    ----------
    store
        The file.
    type_names
        Names of the store's cell types in the corpus, in the order of its codes.
    first
        Number of its first cell among all.
    name
        Of the dataset or file; empty for a dataset by itself.
    nodes
        Node numbers of the store's genes, ascending; None: all genes of the graph, in their order.
    eregulons
        First of its eRegulons and the one after the last, by number; None: all.
    rank_cutoff
        Of AUCell in it, genes; None: the graph's.
    """

    store: CellStore
    type_names: np.ndarray
    first: int = 0
    name: str = ""
    nodes: np.ndarray | None = None
    eregulons: tuple[int, int] | None = None
    rank_cutoff: int | None = None

    def names(self, cells: np.ndarray) -> np.ndarray:
        """Names of cells in the corpus: <dataset>/<cell>."""
        return (
            np.array([f"{self.name}/{cell}" for cell in cells], dtype=object)
            if self.name
            else cells
        )

    def measured(self, n_genes: int) -> np.ndarray:
        """Node numbers of the genes that the part measures, of a graph of `n_genes`."""
        return np.arange(n_genes) if self.nodes is None else self.nodes

    def graph_of(self, graph: Graph) -> Graph:
        """The graph with only the members and thresholds of the part's eRegulons."""
        if self.eregulons is None or self.rank_cutoff is None:
            return graph
        first, end = self.eregulons
        known = range(first, end)
        return replace(
            graph,
            members=graph.members[graph.members["eregulon"].isin(known)],
            thresholds=graph.thresholds[graph.thresholds["eregulon"].isin(known)],
            rank_cutoff=self.rank_cutoff,
        )


class Corpus:
    """The cells of one or several files, each a `Part`; `of_dataset` and `of_bundle` make one."""

    def __init__(self, parts: list[Part], n_genes: int) -> None:
        self.parts, self.n_genes = parts, n_genes
        self.n_cells = sum(part.store.n_cells for part in parts)
        self._first = np.array([part.first for part in parts])

    @classmethod
    def of_dataset(cls, path: str | Path, genes: list[str]) -> Corpus:
        """The cells of one file that has all genes of the graph; see `CellStore`."""
        store = CellStore(path, genes)
        return cls([Part(store, store.type_names)], len(genes))

    @classmethod
    def of_bundle(cls, paths: dict[str, str | Path], bundle: Bundle) -> Corpus:
        """The cells of a corpus of several datasets and files.

        Parameters
        ----------
        paths
            Dataset or file of the corpus -> its cells on disk.
        bundle
            A joined bundle of the corpus.

        Raises
        ------
        InputError
            If the bundle is of other datasets, or not joined.
        """
        described = bundle.meta.get("datasets", {})
        if bundle.sources is None or set(described) != set(paths):
            raise InputError(
                f"a bundle of the datasets {list(described)}",
                f"one of {list(paths)}",
                "join the bundles again",
            )

        n_genes, n_cells = len(bundle.graph.genes), 0
        sources = dict(list(bundle.sources.groupby("dataset")))
        parts = []
        # Sorted: the order of names in a settings file must change neither rows nor checkpoints.
        for name in sorted(paths):
            about, genes = described[name], sources[name].sort_values("node")
            # Counts, and logarithms of another total, are normalised as they are read.
            store = CellStore(
                paths[name], genes["gene"].tolist(), scale=about["values"]
            )
            type_names = [about["cell_types"][given] for given in store.type_names]
            nodes = genes["node"].to_numpy()
            first_eregulon, end_eregulon = about["eregulons"]
            part = Part(
                store,
                np.array(type_names, dtype=object),
                first=n_cells,
                name=name,
                # Nodes ascend and differ: as many as the graph has are all, in order.
                nodes=None if len(nodes) == n_genes else nodes,
                eregulons=(first_eregulon, end_eregulon),
                rank_cutoff=about["rank_cutoff"],
            )
            parts.append(part)
            n_cells += store.n_cells
        return cls(parts, n_genes)

    @property
    def cells(self) -> np.ndarray:
        """Names of all cells; read anew each time."""
        names = [part.names(part.store.cells) for part in self.parts]
        return np.concatenate(names)

    @property
    def cell_types(self) -> np.ndarray:
        """Cell type of each cell, by the name that it has in the corpus."""
        types = [part.type_names[part.store.type_codes] for part in self.parts]
        return np.concatenate(types)

    def part_of(self, rows: np.ndarray) -> np.ndarray:
        """Number of the part that each row is in."""
        # The last part that begins at the row or before it.
        return np.searchsorted(self._first, rows, side="right") - 1

    def divide(self, rows: np.ndarray) -> list[tuple[int, np.ndarray]]:
        """Numbers of the parts that rows are in, each with the places of its rows among them."""
        number = self.part_of(rows)
        return [(int(n), np.flatnonzero(number == n)) for n in np.unique(number)]

    def number_blocks(self, rows: np.ndarray, block_cells: int) -> np.ndarray:
        """Number of the block of each row (ascending): at most `block_cells` neighbours, all of one part."""
        block = np.empty(len(rows), np.int64)
        first = 0
        for _, places in self.divide(rows):
            # Numbers go on over parts, each of which begins a block of its own.
            block[places] = first + np.arange(len(places)) // block_cells
            first = int(block[places[-1]]) + 1
        return block

    def names(self, rows: np.ndarray) -> np.ndarray:
        """Names of rows in ascending order."""
        found = []
        for n, places in self.divide(rows):
            part = self.parts[n]
            cells = part.store.names(rows[places] - part.first)
            found.append(part.names(cells))
        return np.concatenate(found)

    def read(self, rows: np.ndarray) -> sp.csr_matrix:
        """Rows in ascending order, as CSR (rows x genes of the graph); genes that are not measured have no entry."""
        found = []
        for n, places in self.divide(rows):
            part = self.parts[n]
            block = part.store.read(rows[places] - part.first)
            found.append(widen(block, self.n_genes, part.nodes))
        return found[0] if len(found) == 1 else sp.vstack(found, "csr")

    def digest(self) -> str:
        """SHA-256 of the cells, genes and values of all files, and of where their genes, types and eRegulons belong."""
        digest = hashlib.sha256()
        for part in self.parts:
            types = sorted(zip(part.store.type_names, part.type_names, strict=True))
            about = f"{part.name} {part.store.digest()} {types} {part.eregulons} {part.rank_cutoff}"
            digest.update(about.encode())
            # Bytes of a fixed order, so that the digest is the same on every machine.
            nodes = part.measured(self.n_genes).astype("<i8")
            digest.update(nodes.tobytes())
        return digest.hexdigest()

    def __enter__(self) -> Corpus:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The stack closes every file, even if closing one of them fails.
        with ExitStack() as stack:
            for part in self.parts:
                stack.push(part.store)


def widen(
    matrix: sp.csr_matrix, n_columns: int, columns: np.ndarray | None = None
) -> sp.csr_matrix:
    """The same rows over `n_columns`; the columns of `matrix` become `columns` (None: the first ones)."""
    if columns is None and matrix.shape[1] == n_columns:
        return matrix
    indices = matrix.indices
    if columns is not None:
        # Node numbers are int64: cast back, so that int32 indices stay as small.
        indices = columns[indices].astype(indices.dtype)
    return sp.csr_matrix(
        (matrix.data, indices, matrix.indptr), shape=(matrix.shape[0], n_columns)
    )
