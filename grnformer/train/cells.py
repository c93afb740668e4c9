"""Expression rows streamed from an .h5mu or .h5ad on disk: memory holds the rows asked for, not the matrix."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata.io import read_elem

from grnformer.errors import InputError


class CellStore:
    """Rows of a CSR matrix in an HDF5 file, restricted to chosen genes.

    Parameters
    ----------
    path
        .h5mu (its modality `rna`) or .h5ad; X in CSR.
    genes
        Genes to keep, in the order to return; each must be there.

    Attributes
    ----------
    all_genes
        Genes of the file, in its order.
    columns
        Where `genes` stand among them.
    """

    def __init__(self, path: str | Path, genes: list[str]) -> None:
        self._file = h5py.File(path, "r")
        group = self._file["mod/rna"] if "mod" in self._file else self._file
        self._x = group["X"]
        if self._x.attrs.get("encoding-type") != "csr_matrix":
            raise InputError(
                f"{path}: X is stored as {self._x.attrs.get('encoding-type', 'a dense array')}",
                "a CSR matrix, whose rows can be read one by one",
                "store the expression as scipy CSR",
            )
        var = pd.Index(read_elem(group["var"]).index)
        missing = [gene for gene in genes if gene not in var]
        if missing:
            raise InputError(
                f"{path}: {len(missing)} genes of the graph are not in the matrix, first {missing[0]!r}",
                "all genes of the graph bundle",
                "build the bundle from this very file",
            )
        self._genes = genes
        self.all_genes, self.columns = var, var.get_indexer_for(genes)
        self._indptr = self._x["indptr"][:]
        obs = read_elem(self._file["obs"])
        self.cells = obs.index.to_numpy(object)
        self.cell_types = obs["cell_type"].to_numpy(object)

    def read(self, rows: np.ndarray) -> sp.csr_matrix:
        """Rows in ascending order (numbers), as CSR (rows x genes); one read of the span that they cover."""
        return self.read_all(rows)[:, self.columns]

    def read_all(self, rows: np.ndarray) -> sp.csr_matrix:
        """As `read`, with all genes of the file."""
        first, last = int(rows[0]), int(rows[-1]) + 1
        start, end = self._indptr[first], self._indptr[last]
        span = sp.csr_matrix(
            (self._x["data"][start:end], self._x["indices"][start:end], self._indptr[first : last + 1] - start),
            shape=(last - first, len(self.all_genes)),
        )
        return span[rows - first]

    def digest(self) -> str:
        """SHA-256 of cells, genes and stored values."""
        digest = hashlib.sha256("\n".join([*self.cells, *self._genes]).encode())
        for key in ("data", "indices", "indptr"):
            array = self._x[key]
            for start in range(0, len(array), 10_000_000):
                digest.update(array[start : start + 10_000_000].tobytes())
        return digest.hexdigest()

    def __enter__(self) -> CellStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
