"""A model's own perturbation as a predictor of a screen: scores from the shifts of its genes, nothing fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grnformer.bench.perturbation.labels import Labels

IN_SILICO = "_in_silico"


def score_pairs(labels: Labels, shifts: pd.DataFrame, signed: bool) -> np.ndarray:
    """Scores of the tested pairs from shifts: their direction, or else their size.

    A gene that the model does not know scores as the perturbation does on the mean of all genes; a perturbation that
    the model cannot make scores as the mean of those that it can.

    Parameters
    ----------
    shifts
        Contract ``set_screen``.

    Returns
    -------
    (tested pairs,).
    """
    values = shifts.set_index("gene")
    if not signed:
        values = values.abs()
    wide = values.reindex(columns=labels.genes).T.fillna(values.mean(axis=1)).T
    wide = wide.reindex(labels.perturbations).fillna(wide.mean())
    tested = labels.tested
    scores = wide.to_numpy()[labels.perturbation[tested], labels.gene[tested]]
    return np.asarray(scores, dtype=float)


def reached_by_model(
    tables: Sequence[pd.DataFrame], genes: Sequence[str], measured: Sequence[str]
) -> np.ndarray:
    """Mean shifts over seeds, (genes, measured genes); 0, as nothing known, where a model has none."""
    parts = [
        table.set_index("gene").reindex(index=list(genes), columns=list(measured))
        for table in tables
    ]
    return np.asarray(np.mean([part.fillna(0.0) for part in parts], axis=0))
