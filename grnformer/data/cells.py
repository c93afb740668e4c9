"""Expression rows streamed from an .h5mu, .h5ad or .zarr: memory holds the rows asked for, not the matrix."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType

import numpy as np
import scipy.sparse as sp
from anndata.io import read_elem

from grnformer.core.errors import InputError
from grnformer.core.stored import close_stored, open_stored, read_cell_types, read_names
from grnformer.data.columns import GeneColumns
from grnformer.prep.feature_types import is_gene_expression
from grnformer.prep.scale import TOTAL, Scale

_SPAN = 4096  # rows; wider spans are read in parts
_VALUES_HASHED = 10_000_000  # at a time


class CellStore:
    """Rows of a CSR matrix in one file, restricted to chosen genes.

    Features of other types (antibodies, peaks) are left out; columns of one name are summed, as in prep.

    Parameters
    ----------
    path
        .h5mu (its modality `rna`), .h5ad or a .zarr of either; X in CSR.
    genes
        Genes to keep, in the order to return; each must be there.
    scale
        Of the values: see `as_logarithms`, by which rows are returned.

    Attributes
    ----------
    all_genes
        Genes of the file, each name once, in its order.
    columns
        Where `genes` stand among them.
    type_names, type_codes
        Names of the cell types, and the number of each cell's type.

    Raises
    ------
    InputError
        If X is not stored as CSR, a gene is missing, or a cell has no type.
    """

    def __init__(
        self, path: str | Path, genes: list[str], *, scale: Scale = "logarithms"
    ) -> None:
        self._path, self._process, self._scale = path, os.getpid(), scale
        self._file = open_stored(path)
        in_mudata = "mod" in self._file
        self._x_name = "mod/rna/X" if in_mudata else "X"
        self._x = self._file[self._x_name]
        encoding = self._x.attrs.get("encoding-type", "a dense array")
        if encoding != "csr_matrix":
            raise InputError(
                f"{path}: X is stored as {encoding}",
                "a CSR matrix, whose rows can be read one by one",
                "store the expression as scipy CSR",
            )

        var = read_elem(self._file["mod/rna/var" if in_mudata else "var"])
        # Mostly as many as the file has columns: all are genes, each once.
        self._n_stored = len(var)
        self._is_gene = is_gene_expression(var, str(path))
        self.all_genes, self._gene_columns = GeneColumns.of_names(
            var.index, self._is_gene
        )
        self.columns = self.all_genes.get_indexer_for(genes)
        missing = np.flatnonzero(self.columns < 0)
        if len(missing):
            raise InputError(
                f"{path}: {len(missing)} genes of the graph are not in the matrix, first {genes[missing[0]]!r}",
                "all genes of the graph bundle",
                "build the bundle from this very file",
            )

        self._genes = genes
        types = read_cell_types(self._file, path)
        self.type_names, self.type_codes = (
            types.categories.to_numpy(object),
            np.asarray(types.codes),
        )
        self.n_cells = len(self.type_codes)

    @property
    def cells(self) -> np.ndarray:
        """Names of all cells; read anew each time, since they need more memory than all else that is held."""
        return read_names(self._file["obs"])

    def names(self, rows: np.ndarray) -> np.ndarray:
        """Names of rows in ascending order."""
        first, last = int(rows[0]), int(rows[-1]) + 1
        return read_names(self._file["obs"], slice(first, last))[rows - first]

    def read(self, rows: np.ndarray) -> sp.csr_matrix:
        """Rows in ascending order (numbers), as CSR (rows x genes); one read of the span that they cover, if narrow."""
        return self.read_all(rows)[:, self.columns]

    def read_all(self, rows: np.ndarray) -> sp.csr_matrix:
        """As `read`, with all genes of the file."""
        self._reopen_in_worker()

        # Rows far apart are read span by span: one read of everything between them could fill the memory.
        parts = np.split(rows, np.flatnonzero(np.diff((rows - rows[0]) // _SPAN)) + 1)
        if len(parts) == 1:
            return self._read_span(rows)
        return sp.vstack([self._read_span(part) for part in parts], "csr")

    def _read_span(self, rows: np.ndarray) -> sp.csr_matrix:
        first, last = int(rows[0]), int(rows[-1]) + 1
        # One read an array, with the rows in between: many small reads would cost more.
        indptr = self._x["indptr"][first : last + 1]
        start, end = int(indptr[0]), int(indptr[-1])
        values, indices = self._x["data"][start:end], self._x["indices"][start:end]

        # Row bounds count through the file: here from the first value read.
        span = sp.csr_matrix(
            (values, indices, indptr - start), shape=(last - first, self._n_stored)
        )

        # Normalised with all genes: the columns of the graph alone have smaller totals.
        chosen = span[rows - first]
        if self._scale == "logarithms" and self._gene_columns.are_all(self._n_stored):
            return chosen
        read = as_logarithms(chosen, self._scale, self._gene_columns, self._is_gene)
        return read.astype(np.float32)

    def _reopen_in_worker(self) -> None:
        # A forked worker shares the parent's file descriptor, and with it the position in the file: two readers
        # would move it under each other. Each process therefore opens the file for itself.
        if os.getpid() != self._process:
            self._file, self._process = open_stored(self._path), os.getpid()
            self._x = self._file[self._x_name]

    def digest(self) -> str:
        """SHA-256 of cells, genes and stored values."""
        digest = hashlib.sha256("\n".join([*self.cells, *self._genes]).encode())
        # A part at a time: the arrays together may be larger than memory.
        for key in ("data", "indices", "indptr"):
            array = self._x[key]
            for start in range(0, array.shape[0], _VALUES_HASHED):
                digest.update(array[start : start + _VALUES_HASHED].tobytes())
        return digest.hexdigest()

    def __enter__(self) -> CellStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        close_stored(self._file)


def as_logarithms(
    rows: sp.csr_matrix, scale: Scale, columns: GeneColumns, genes: np.ndarray
) -> sp.csr_matrix:
    """log1p of counts per 10,000, as the models are trained on.

    Parameters
    ----------
    rows
        (rows, columns of the file).
    scale
        What the values are. "counts": scaled to 10,000 a row. "logarithms": already so. "rescaled": natural logarithms
        of another total, which the sum over all genes of a row tells. "any": taken as they are.
    columns
        Of the genes to return; columns of one gene are summed.
    genes
        Which columns of the file are genes, as a mask: a row's total is theirs.

    Returns
    -------
    (rows, genes).
    """
    # Sums are of counts, not of their logarithms; one column of a gene needs none.
    if scale == "any" or (scale == "logarithms" and not columns.has_twins):
        return columns.select(rows)

    linear = rows if scale == "counts" else rows.expm1()
    if scale != "logarithms":
        total = linear @ genes.astype(float)
        # A cell without counts stays 0, and nothing is divided by 0.
        factor = TOTAL / np.where(total > 0, total, 1)
        linear = sp.csr_matrix(sp.diags(factor) @ linear)
    return columns.select(linear).log1p()
