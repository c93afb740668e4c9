"""The perturbed genes of a screen, set in the cells of a pretrained model."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.infer.perturb.edit import Edit
from grnformer.infer.perturb.trained import open_trained

logger = logging.getLogger(__name__)


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
