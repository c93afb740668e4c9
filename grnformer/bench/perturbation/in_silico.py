"""A model's own perturbation as a predictor of a screen: each perturbed gene set in cells, nothing fitted."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.bench.perturbation.labels import Labels
from grnformer.core.errors import InputError
from grnformer.infer.perturb.edit import Edit
from grnformer.infer.perturb.trained import open_trained

logger = logging.getLogger(__name__)
IN_SILICO = "_in_silico"


def shifts_of_genes(
    model: str | Path,
    graph: str | Path | None,
    cells: str | Path,
    genes: Sequence[str],
    edit: Edit,
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Shifts of all genes of a model where each of `genes` is set; those that cannot be set are left out.

    Parameters
    ----------
    model, graph, cells
        See `grnformer.infer.perturb.trained.open_trained`.
    settings
        cell_type (None: all), and those of `Trained.set_gene`.

    Returns
    -------
    gene, and a column a target, float32; NaN for the gene itself.

    Raises
    ------
    InputError
        If none of the genes can be set.
    """
    found: dict[str, np.ndarray] = {}
    why: dict[str, int] = {}
    with open_trained(model, graph, cells) as trained:
        for gene in genes:
            one = trained.set_gene(gene, edit, settings["cell_type"], settings)
            if isinstance(one, str):
                why[one] = why.get(one, 0) + 1
            else:
                found[gene] = one.shift.values.astype(np.float32)
        columns = trained.genes
    logger.info("%d of %d genes are set; not: %s", len(found), len(genes), why)
    if not found:
        raise InputError(
            f"none of {len(genes):,} perturbed genes, such as {genes[0]}, can be set in the model: {why}",
            "symbols as the screen has them, of genes that the model knows and its cells express",
            "set in_silico.cells of the benchmark to 0, or give a screen of the models' species",
        )
    table = pd.DataFrame(np.stack(list(found.values())), columns=columns)
    table.insert(0, "gene", list(found))
    return table


def score_pairs(labels: Labels, shifts: pd.DataFrame, signed: bool) -> np.ndarray:
    """Scores of the tested pairs from shifts: their direction, or else their size.

    A gene that the model does not know scores as the perturbation does on the mean of all genes; a perturbation that
    the model cannot make scores as the mean of those that it can.

    Parameters
    ----------
    shifts
        See `shifts_of_genes`.

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
