"""Expression that users bring: which of its genes the model knows, and values as the model was trained on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.data.cells import normalise
from grnformer.graph.align import find_token
from grnformer.graph.measured import LARGEST_LOG

if TYPE_CHECKING:
    import anndata

logger = logging.getLogger(__name__)
LEAST_SHARE = 0.05  # of the model's genes that must be measured


def find_genes(
    var: pd.DataFrame, card: dict[str, Any], vocabulary: Mapping[str, int], aliases: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Which columns of the data are which genes of the model.

    The names of `var`, and each of its columns of text (gene symbols beside Ensembl ids), are tried; the one that finds
    most genes is taken. A gene is found by the name it has in the model, by its name in the vocabulary, by an alias, or
    by its Ensembl id without version. Of two columns for one gene, the first stays.

    Parameters
    ----------
    var
        Of the data.
    card
        Of the model: its genes, tokens.
    vocabulary, aliases
        As in `fuse`; may be empty.

    Returns
    -------
    columns, nodes
        Ascending by node.

    Raises
    ------
    InputError
        If fewer than a twentieth of the model's genes are found.
    """
    known = {**vocabulary, **dict(zip(card["genes"], card["tokens"], strict=True))}
    node = {token: n for n, token in enumerate(card["tokens"])}
    tried = {"var_names": var.index.astype(str)}
    for name, column in var.items():
        if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column):
            tried[f"var[{name!r}]"] = pd.Index(column.astype(str))
    found: dict[int, int] = {}
    source = "var_names"
    for place, names in tried.items():
        of_place: dict[int, int] = {}
        for column_number, gene in enumerate(names):
            token = find_token(gene, known, aliases)
            if token in node:
                of_place.setdefault(node[token], column_number)
        if len(of_place) > len(found):
            found, source = of_place, place
    if len(found) < LEAST_SHARE * len(card["genes"]):
        raise InputError(
            f"{len(found)} of the model's {len(card['genes'])} genes are measured; genes are named like "
            f"{list(var.index[:3])}, in the model like {card['genes'][:3]}",
            "at least a twentieth of them, by symbol, alias or Ensembl id",
            "name the genes as in model.json, or give a table of aliases",
        )
    logger.info("%d of the model's %d genes are measured, named by %s", len(found), len(card["genes"]), source)
    nodes = np.array(sorted(found))
    return np.array([found[n] for n in nodes]), nodes


@dataclass(frozen=True)
class Values:
    """What the values of a matrix are: counts, or their logarithm; and how many of the chosen genes' are above 0."""

    kind: Literal["counts", "logarithms"]
    positive_fraction: float


class ExpressionRows:
    """Rows of an AnnData, in memory or backed by a file, read some at a time.

    Parameters
    ----------
    data
        Counts or log1p of normalised counts in X.
    columns
        Genes to keep, in the order to return.
    step
        Rows read at a time.

    Raises
    ------
    InputError
        If the values are negative, undefined, neither counts nor logarithms, or a row has none above 0.
    """

    def __init__(self, data: anndata.AnnData, columns: np.ndarray, step: int) -> None:
        self._x: Any = data.X
        if self._x is None:
            raise InputError("an AnnData without X", "counts or log1p of normalised counts in X", "fill X")
        if getattr(self._x, "format", "csr") == "csc":  # rows of such a matrix cannot be read one by one
            self._x = sp.csr_matrix(self._x.to_memory() if hasattr(self._x, "to_memory") else self._x)
        self._names, self._columns, self._step, self.n_rows = data.obs_names, columns, step, data.n_obs
        if not self.n_rows:
            raise InputError("no rows", "at least one cell", "give data with cells")
        self.values = self._scan()

    def __iter__(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        """First row and values (rows x chosen genes): log1p of counts per 10,000, or the logarithms as given."""
        for start, block in self._blocks():
            if self.values.kind == "counts":
                block = normalise(block)
            yield start, sp.csr_matrix(block[:, self._columns])

    def _blocks(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        for start in range(0, self.n_rows, self._step):
            yield start, sp.csr_matrix(self._x[start : start + self._step], dtype=np.float64)

    def _scan(self) -> Values:
        largest, whole, positive = 0.0, True, 0
        for start, block in self._blocks():
            if not np.isfinite(block.data).all() or (block.data < 0).any():
                raise InputError(
                    "the expression holds negative or undefined values",
                    "counts, or log1p of normalised counts",
                    "embed the values from before scaling (adata.raw, or a layer)",
                )
            chosen = sp.csr_matrix(block[:, self._columns])
            chosen.eliminate_zeros()
            empty = np.flatnonzero(chosen.getnnz(axis=1) == 0)
            if len(empty):
                raise InputError(
                    f"{self._names[start + empty[0]]!r} and {len(empty) - 1} more near it express no gene of the model",
                    "cells with counts",
                    "drop empty cells, such as by scanpy.pp.filter_cells",
                )
            largest = max(largest, float(block.data.max(initial=0)))
            whole = whole and bool((block.data == np.round(block.data)).all())
            positive += chosen.nnz
        if not whole and largest > LARGEST_LOG:
            raise InputError(
                f"values up to {largest:g} that are no whole numbers",
                "counts, or log1p of normalised counts",
                "take log1p of what is normalised, or embed the counts",
            )
        kind: Literal["counts", "logarithms"] = "counts" if whole else "logarithms"
        logger.info("values are taken as %s (largest %g)", kind, largest)
        return Values(kind, positive / (self.n_rows * max(len(self._columns), 1)))
