"""What is done to a gene: a knock-down to a fold of its expression, over-expression to a quantile of the cell's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

KNOCK_DOWN, OVER_EXPRESSION = "knock_down", "over_expression"


class Edit(NamedTuple):
    """How a gene's expression is set in each cell.

    Attributes
    ----------
    kind
        knock_down or over_expression.
    size
        knock_down: what is left, as a fold of the gene's counts, 0 to 1. over_expression: quantile of the values of the
        cell's expressed genes, 0 to 1 (1: as high as its highest); a gene that is higher stays. It needs no value of
        the gene itself, which may be detected nowhere.
    """

    kind: str
    size: float


def edits_of(settings: Mapping[str, Any]) -> list[Edit]:
    """Edits by the config section `perturb`: kinds, fold, quantile."""
    size = {KNOCK_DOWN: settings["fold"], OVER_EXPRESSION: settings["quantile"]}
    return [Edit(kind, size[kind]) for kind in settings["kinds"]]


def edit_values(expression: sp.csr_matrix, column: int, edit: Edit) -> np.ndarray:
    """New values of one gene, (cells,).

    Parameters
    ----------
    expression
        (cells, genes), log1p of counts per 10,000.
    """
    own = expression[:, [column]].toarray().ravel()
    if edit.kind == KNOCK_DOWN:
        return np.log1p(edit.size * np.expm1(own))

    bounds = zip(expression.indptr[:-1], expression.indptr[1:], strict=True)
    rows = (expression.data[start:end] for start, end in bounds)
    expressed = (row[row > 0] for row in rows)
    level = [np.quantile(row, edit.size) if len(row) else 0.0 for row in expressed]
    return np.maximum(own, np.array(level, own.dtype))


def edit_expression(
    expression: sp.csr_matrix, column: int, edit: Edit
) -> sp.csr_matrix:
    """The cells with one gene set; the others keep their values, and no cell is normalised anew."""
    # LIL takes a new column; CSR would move its arrays at every new entry.
    changed = sp.lil_matrix(expression)
    changed[:, column] = edit_values(expression, column, edit)[:, None]
    changed = sp.csr_matrix(changed)
    # A knock-out must leave no stored zeros.
    changed.eliminate_zeros()
    return changed
