"""Expression that users bring: which of its genes the model knows, and values as the model was trained on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
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
LEAST_FRACTION = 0.05  # of the model's genes that must be measured
Scale = Literal["counts", "logarithms", "any"]


def find_genes(
    var: pd.DataFrame,
    card: dict[str, Any],
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
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
    # The model's own names win over those of the vocabulary.
    known = {**vocabulary, **dict(zip(card["genes"], card["tokens"], strict=True))}
    node = {token: n for n, token in enumerate(card["tokens"])}
    sources = {"var_names": var.index.astype(str)}
    for name, column in var.items():
        if isinstance(
            column.dtype, pd.CategoricalDtype
        ) or pd.api.types.is_string_dtype(column):
            sources[f"var[{name!r}]"] = pd.Index(column.astype(str))

    # Files name genes in their index or in a column, by symbol or by id: the source that finds most is right.
    best: dict[int, int] = {}
    best_source = "var_names"
    for source, names in sources.items():
        found: dict[int, int] = {}
        for column_number, gene in enumerate(names):
            token = find_token(gene, known, aliases)
            if token in node:
                found.setdefault(node[token], column_number)
        # Only if it finds more: of equal sources, the first stays.
        if len(found) > len(best):
            best, best_source = found, source

    n_genes = len(card["genes"])
    if len(best) < LEAST_FRACTION * n_genes:
        raise InputError(
            f"{len(best)} of the model's {n_genes} genes are measured; genes are named like "
            f"{list(var.index[:3])}, in the model like {card['genes'][:3]}",
            "at least a twentieth of them, by symbol, alias or Ensembl id",
            "name the genes as in model.json, or give a table of aliases",
        )
    logger.info(
        "%d of the model's %d genes are measured, named by %s",
        len(best),
        n_genes,
        best_source,
    )
    nodes = np.array(sorted(best))
    return np.array([best[n] for n in nodes]), nodes


class ExpressionRows:
    """Rows of an AnnData, in memory or backed by a file, read a block at a time.

    Iterating gives each block's first row and its values (rows, chosen genes): log1p of counts per 10,000 where the
    data are counts, else the values as they are.

    Parameters
    ----------
    data
        Values in X.
    columns
        Genes to keep, in the order to return.
    step
        Rows read at a time.
    scale
        Of the values; None: counts where all are whole numbers, else logarithms. "any": neither is checked.

    Attributes
    ----------
    positive_fraction
        Fraction of the chosen genes' values that are above 0.

    Raises
    ------
    InputError
        If the values are negative, undefined, neither counts nor logarithms, or a row has none above 0.
    """

    def __init__(
        self,
        data: anndata.AnnData,
        columns: np.ndarray,
        step: int,
        scale: Scale | None = None,
    ) -> None:
        self._x: Any = data.X
        if self._x is None:
            raise InputError(
                "an AnnData without X",
                "counts or log1p of normalised counts in X",
                "fill X",
            )
        if not data.n_obs:
            raise InputError("no rows", "at least one cell", "give data with cells")

        # Rows of a matrix stored by column cannot be read one by one: it is read as a whole.
        if getattr(self._x, "format", "csr") == "csc":
            self._x = sp.csr_matrix(
                self._x.to_memory() if hasattr(self._x, "to_memory") else self._x
            )
        self._names, self._columns, self._step = data.obs_names, columns, step

        # Wrong values late in a file must not be found after hours of embedding: all are read once before.
        largest, whole, n_positive = self._scan()
        self.scale = scale or _infer_scale(largest, whole)
        self.positive_fraction = n_positive / (data.n_obs * max(len(columns), 1))
        logger.info("scale of the values: %s (largest %g)", self.scale, largest)

    def __iter__(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        for first, block in self._blocks():
            # Normalised before genes are chosen: the total is over all genes that were measured.
            values = normalise(block) if self.scale == "counts" else block
            yield first, sp.csr_matrix(values[:, self._columns])

    def _blocks(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        # Blocks, since a file may be larger than memory.
        for first in range(0, len(self._names), self._step):
            yield (
                first,
                sp.csr_matrix(self._x[first : first + self._step], dtype=np.float64),
            )

    def _scan(self) -> tuple[float, bool, int]:
        """Largest value, whether all are whole numbers, and how many of the chosen genes' are above 0."""
        largest, whole, n_positive = 0.0, True, 0
        for first, block in self._blocks():
            if not np.isfinite(block.data).all() or (block.data < 0).any():
                raise InputError(
                    "the expression holds negative or undefined values",
                    "counts, or log1p of normalised counts",
                    "embed the values from before scaling (adata.raw, or a layer)",
                )

            # A row may have counts, and none of a gene that the model knows.
            chosen = sp.csr_matrix(block[:, self._columns])
            # Zeros that are stored would count as expressed.
            chosen.eliminate_zeros()
            empty = np.flatnonzero(chosen.getnnz(axis=1) == 0)
            if len(empty):
                raise InputError(
                    f"{self._names[first + empty[0]]!r} and {len(empty) - 1} more near it express no gene of the model",
                    "cells with counts",
                    "drop empty cells, such as by scanpy.pp.filter_cells",
                )

            largest = max(largest, float(block.data.max(initial=0)))
            whole = whole and bool((block.data == np.round(block.data)).all())
            n_positive += chosen.nnz
        return largest, whole, n_positive


def _infer_scale(largest: float, whole: bool) -> Scale:
    if whole:
        return "counts"
    if largest > LARGEST_LOG:
        raise InputError(
            f"values up to {largest:g} that are not whole numbers",
            "counts, or log1p of normalised counts",
            "take log1p of what is normalised, or embed the counts",
        )
    return "logarithms"
