"""Expression that users bring: which of its genes the model knows, and values as the model was trained on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.data.cells import as_logarithms
from grnformer.data.columns import GeneColumns
from grnformer.graph.align import check_shared, find_token
from grnformer.prep.feature_types import is_gene_expression
from grnformer.prep.scale import Scale, ScaleOf

if TYPE_CHECKING:
    import anndata

logger = logging.getLogger(__name__)
_DATA = "the expression"  # as messages call the data


def find_genes(
    var: pd.DataFrame,
    card: dict[str, Any],
    vocabulary: Mapping[str, int],
    aliases: Mapping[str, str],
) -> tuple[GeneColumns, np.ndarray]:
    """Which columns of the data are which genes of the model.

    The names of `var`, and each of its columns of text (gene symbols beside Ensembl ids), are tried; the one that finds
    most genes is taken. A gene is found by the name it has in the model, else by its name in the vocabulary, else by
    its Ensembl id without version or by an alias; what an earlier rule finds goes before what later ones do. Columns of
    one name, and Ensembl ids of one gene, are summed, as prep does; of several aliases, the first stays. Features of
    other types (antibodies, peaks) are no genes.

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
    own = dict(zip(card["genes"], card["tokens"], strict=True))
    known = {**vocabulary, **own}
    node = {token: n for n, token in enumerate(card["tokens"])}
    is_gene = is_gene_expression(var, _DATA)
    sources = {"var_names": var.index.astype(str)}
    for name, column in var.items():
        if isinstance(
            column.dtype, pd.CategoricalDtype
        ) or pd.api.types.is_string_dtype(column):
            sources[f"var[{name!r}]"] = pd.Index(column.astype(str))

    # Files name genes in their index or in a column, by symbol or by id: the source that finds most is right.
    best: dict[int, list[int]] = {}
    best_source = "var_names"
    for source, names in sources.items():
        named: dict[int, list[tuple[int, str]]] = {}
        for column_number in np.flatnonzero(is_gene):
            token = find_token(names[column_number], known, aliases)
            if token in node:
                entry = int(column_number), names[column_number]
                named.setdefault(node[token], []).append(entry)
        # Only if it finds more: of equal sources, the first stays.
        if len(named) > len(best):
            best = {n: _columns_of_gene(named[n], own, known) for n in sorted(named)}
            best_source = source

    n_genes = len(card["genes"])
    check_shared(
        len(best), card["genes"], var.index[is_gene].tolist(), _DATA, "the model"
    )
    logger.info(
        "%d of the model's %d genes are measured, named by %s",
        len(best),
        n_genes,
        best_source,
    )
    columns = GeneColumns(
        np.concatenate(list(best.values())),
        np.repeat(np.arange(len(best)), [len(several) for several in best.values()]),
    )
    if columns.has_twins:
        logger.warning(
            "%d columns are of a gene that another column is of: they are summed",
            len(columns.column) - len(columns),
        )
    return columns, np.array(list(best))


def _columns_of_gene(
    entries: list[tuple[int, str]], own: Mapping[str, int], known: Mapping[str, int]
) -> list[int]:
    """Of the columns (number, name) that one gene is found by, those to sum: of the best kind of name."""

    def kind(name: str) -> tuple[int, str]:
        # An id is another id's twin, not another name's.
        by_id = "" if name.startswith("ENS") else name
        return (0, name) if name in own else (1, name) if name in known else (2, by_id)

    rank = min(kind(name)[0] for _, name in entries)
    chosen = next(kind(name) for _, name in entries if kind(name)[0] == rank)
    return [number for number, name in entries if kind(name) == chosen]


class ExpressionRows:
    """Rows of an AnnData, in memory or backed by a file, read a block at a time.

    Iterating gives each block's first row and its values (rows, chosen genes): log1p of counts per 10,000, of all genes
    of the data, by `as_logarithms`.

    Parameters
    ----------
    data
        Values in X.
    columns
        Of the genes to keep, in the order to return.
    step
        Rows read at a time.
    scale
        Of the values; None: inferred by `ScaleOf`.

    Raises
    ------
    InputError
        If the values are negative, undefined, neither counts nor natural logarithms, or a row has none above 0.
    """

    def __init__(
        self,
        data: anndata.AnnData,
        columns: GeneColumns | np.ndarray,
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
        self._names, self._step = data.obs_names, step
        self._columns = (
            columns
            if isinstance(columns, GeneColumns)
            else GeneColumns.of_single(columns)
        )
        self._is_gene = is_gene_expression(data.var, _DATA)

        # Wrong values late in a file must not be found after hours of embedding: all are read once before.
        seen = self._scan()
        self.scale = scale or seen.infer()
        logger.info("scale of the values: %s (largest %g)", self.scale, seen.largest)

    def __iter__(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        for first, block in self._blocks():
            values = as_logarithms(block, self.scale, self._columns, self._is_gene)
            # Samples of genes go by place: the order of columns in the file must not change them.
            values.sort_indices()
            yield first, values

    def _blocks(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        # Blocks, since a file may be larger than memory.
        for first in range(0, len(self._names), self._step):
            yield (
                first,
                sp.csr_matrix(self._x[first : first + self._step], dtype=np.float64),
            )

    def _scan(self) -> ScaleOf:
        """What the values are, when all of them have been looked at."""
        seen = ScaleOf(_DATA)
        for first, block in self._blocks():
            seen.add(sp.csr_matrix(block[:, self._is_gene]))

            # A row may have counts, and none of a gene that the model knows.
            chosen = self._columns.select(block)
            # Zeros that are stored would count as expressed.
            chosen.eliminate_zeros()
            empty = np.flatnonzero(chosen.getnnz(axis=1) == 0)
            if len(empty):
                raise InputError(
                    f"{self._names[first + empty[0]]!r} and {len(empty) - 1} more near it express no gene of the model",
                    "cells with counts",
                    "drop empty cells, such as by scanpy.pp.filter_cells",
                )
        return seen
