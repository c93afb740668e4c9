"""What the cells of a corpus' dataset or file measure: its genes, its cell types, and what its values are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata.io import read_elem, sparse_dataset

from grnformer.core.errors import InputError
from grnformer.core.stored import close_stored, open_stored, read_cell_types
from grnformer.prep.feature_types import is_gene_expression
from grnformer.prep.scale import Scale, ScaleOf

_AT_ONCE = 10_000_000  # values


@dataclass(frozen=True)
class Measured:
    """Genes in the order of the file, each once, cells of each type, and what the values are."""

    genes: list[str]
    cell_types: pd.Series
    values: Scale


def read_measured(path: str | Path) -> Measured:
    """Read what an .h5mu of the workflow, or an .h5ad or .zarr with `cell_type` in obs, measures.

    Raises
    ------
    InputError
        If X is not a CSR matrix of counts or of log1p of normalised counts, or a cell has no type.
    """
    root = open_stored(path)
    whole = "mod" in root
    data = root["mod/rna"] if whole else root
    if "X" not in data or data["X"].attrs.get("encoding-type") != "csr_matrix":
        raise InputError(
            f"{path}: X is not a CSR matrix",
            "a CSR matrix, whose rows can be read one by one",
            "convert X",
        )
    # antibodies and peaks are no genes; columns of one name are summed as they are read
    var = read_elem(data["var"])
    is_gene = is_gene_expression(var, str(path))
    genes = list(dict.fromkeys(var.index[is_gene].astype(str)))
    types = pd.Series(read_cell_types(root, path).astype(object)).value_counts()

    # the workflow writes logarithms: its own files need no look at the values
    values = "logarithms" if whole else _scale_of(data["X"], is_gene, path)
    close_stored(root)
    return Measured(genes, types.sort_index(), values)


def _scale_of(x: Any, is_gene: np.ndarray, path: str | Path) -> Scale:
    seen = ScaleOf(str(path))
    matrix = sparse_dataset(x)
    # a part at a time: a file may be larger than memory
    n_rows, n_values = matrix.shape[0], x["data"].shape[0]
    step = max(1, n_rows * _AT_ONCE // max(n_values, 1))
    for first in range(0, n_rows, step):
        seen.add(sp.csr_matrix(matrix[first : first + step])[:, is_gene])
    return seen.infer()
