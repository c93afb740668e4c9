"""What the cells of a corpus' dataset or file measure: its genes, its cell types, and what its values are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.stored import close_stored, open_stored, read_cell_types, read_names
from grnformer.prep.counts import is_whole

_AT_ONCE = 10_000_000  # values
# log1p of counts per 10,000 ends at 9.2, log2 of counts per million at 20
LARGEST_LOG = 20.0


@dataclass(frozen=True)
class Measured:
    """Genes in the order of the file, cells of each type, and whether values are counts or their logarithms."""

    genes: list[str]
    cell_types: pd.Series
    values: Literal["counts", "logarithms"]


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
    genes = [str(name) for name in read_names(data["var"])]
    types = pd.Series(read_cell_types(root, path).astype(object)).value_counts()

    # the workflow writes logarithms: its own files need no look at the values
    values: Literal["counts", "logarithms"] = (
        "logarithms" if whole else _kind_of(data["X"]["data"], path)
    )
    close_stored(root)
    return Measured(genes, types.sort_index(), values)


def _kind_of(data: Any, path: str | Path) -> Literal["counts", "logarithms"]:
    whole, largest = True, 0.0
    # a part at a time: a file may be larger than memory
    for start in range(0, data.shape[0], _AT_ONCE):
        part = data[start : start + _AT_ONCE]
        if not np.isfinite(part).all() or (part < 0).any():
            raise InputError(
                f"{path}: negative or undefined values",
                "counts, or log1p of normalised counts",
                "give the counts",
            )
        whole = whole and is_whole(part)
        largest = max(largest, float(part.max(initial=0)))

    if whole:
        return "counts"
    if largest > LARGEST_LOG:
        raise InputError(
            f"{path}: values up to {largest:g} that are no whole numbers",
            "counts, or log1p of normalised counts",
            "take log1p of what is normalised, or give the counts",
        )
    return "logarithms"
