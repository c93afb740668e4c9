"""Tables of shifts: what perturbations through networks and models have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError


def shifts_table(
    gene: str, kind: str, targets: Sequence[str] | pd.Index, shift: np.ndarray
) -> pd.DataFrame:
    """gene, kind, target, shift: a row a target."""
    return pd.DataFrame({"gene": gene, "kind": kind, "target": targets, "shift": shift})


def missing(gene: str, kind: str, reason: str, n_cells: int) -> pd.DataFrame:
    """One row without target and shift, which says why: never a shift of 0."""
    row = {"gene": gene, "kind": kind, "target": None, "shift": np.nan}
    return pd.DataFrame([row | {"reason": reason, "n_cells": n_cells}])


def percentile(shift: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """Fraction of the controls in which a target shifts less, whatever the direction; ties count half.

    Parameters
    ----------
    shift
        Of any shape.
    controls
        (controls, ...) of that shape; NaN where a control has no shift.
    """
    size, others = np.abs(shift), np.abs(controls)
    known = ~np.isnan(others)
    less = ((others < size) + 0.5 * (others == size)) * known
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((count > 0) & ~np.isnan(size), less.sum(axis=0) / count, np.nan)


def choose_types(cell_types: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Cell types of a dataset that are named; None: all.

    Raises
    ------
    InputError
        If none of those named is known.
    """
    chosen = [name for name in known if cell_types is None or name in cell_types]
    if not chosen:
        raise InputError(
            f"perturb.cell_types is {list(cell_types or [])}",
            f"cell types of the dataset: {', '.join(known)}",
            "correct the names, or set perturb.cell_types to null: all",
        )
    return chosen
