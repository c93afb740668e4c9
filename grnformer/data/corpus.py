"""Cells of several datasets and files as one: rows are read from the file they are in, genes by the graph's numbers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType

import numpy as np
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.data.cells import CellStore
from grnformer.data.parts import Part, part_numbers
from grnformer.graph.bundle import Bundle


class Corpus:
    """The cells of a corpus, by the names of its datasets and files.

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

    def __init__(self, paths: dict[str, str | Path], bundle: Bundle) -> None:
        described = bundle.meta.get("datasets", {})
        if bundle.sources is None or set(described) != set(paths):
            raise InputError(
                f"a bundle of the datasets {list(described)}", f"one of {list(paths)}", "join the bundles again"
            )
        self.n_genes, self.n_cells = len(bundle.graph.genes), 0
        self._types: list[dict[str, str]] = []
        self.parts: list[Part] = []
        of_dataset = dict(list(bundle.sources.groupby("dataset")))
        for name in sorted(paths):  # whichever the order in a file of settings: the same rows, the same checkpoints
            path = paths[name]
            own, genes = described[name], of_dataset[name].sort_values("node")
            nodes = genes["node"].to_numpy()
            store = CellStore(path, genes["gene"].tolist(), counts=own["values"] == "counts")
            every = len(nodes) == self.n_genes
            self.parts.append(
                Part(
                    store,
                    self.n_cells,
                    name,
                    None if every else nodes,
                    (own["eregulons"][0], own["eregulons"][1]),
                    own["rank_cutoff"],
                )
            )
            self._types.append(own["cell_types"])
            self.n_cells += store.n_cells

    @property
    def cells(self) -> np.ndarray:
        """Names of all cells, <dataset>/<cell>; read anew each time."""
        return np.concatenate([_prefixed(part.name, part.store.cells) for part in self.parts])

    @property
    def cell_types(self) -> np.ndarray:
        """Cell type of each cell, by the name that it has in the corpus."""
        both = zip(self.parts, self._types, strict=True)
        return np.concatenate([part.store.renamed_types(names) for part, names in both])

    def names(self, rows: np.ndarray) -> np.ndarray:
        """Names of rows in ascending order."""
        return np.concatenate([_prefixed(p.name, p.store.names(own - p.first)) for p, own in self._divide(rows)])

    def read(self, rows: np.ndarray) -> sp.csr_matrix:
        """Rows in ascending order, as CSR (rows x genes of the graph); genes that are not measured have no entry."""
        found = []
        for part, own in self._divide(rows):
            block = part.store.read(own - part.first)
            found.append(widen(block, self.n_genes, part.nodes))
        return sp.vstack(found, "csr")

    def _divide(self, rows: np.ndarray) -> list[tuple[Part, np.ndarray]]:
        number = part_numbers(self.parts, rows)
        return [(self.parts[n], rows[number == n]) for n in np.unique(number)]

    def digest(self) -> str:
        """SHA-256 of the cells, genes and values of all files, and of where their genes, types and eRegulons belong."""
        digest = hashlib.sha256()
        for part, types in zip(self.parts, self._types, strict=True):
            nodes = np.arange(self.n_genes) if part.nodes is None else part.nodes
            regulons = f"{part.eregulons} {part.rank_cutoff}"
            digest.update(f"{part.name} {part.store.digest()} {sorted(types.items())} {regulons}".encode())
            digest.update(nodes.astype("<i8").tobytes())
        return digest.hexdigest()

    def __enter__(self) -> Corpus:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in self.parts:
            part.store.__exit__(kind, value, trace)


def widen(matrix: sp.csr_matrix, n_columns: int, columns: np.ndarray | None = None) -> sp.csr_matrix:
    """The same rows over `n_columns`; the columns of `matrix` become `columns` (None: the first ones)."""
    if columns is None and matrix.shape[1] == n_columns:
        return matrix
    indices = matrix.indices if columns is None else columns[matrix.indices].astype(matrix.indices.dtype)
    return sp.csr_matrix((matrix.data, indices, matrix.indptr), shape=(matrix.shape[0], n_columns))


def _prefixed(name: str, cells: np.ndarray) -> np.ndarray:
    return np.array([f"{name}/{cell}" for cell in cells], dtype=object)
