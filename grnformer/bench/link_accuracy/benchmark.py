"""The whole benchmark: all cell types with CRISPRi of their line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from grnformer.bench.link_accuracy.evaluate import evaluate_pairs, score_pairs
from grnformer.bench.link_accuracy.truth import match_links, read_pairs
from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import anndata


def score_links(
    atac: anndata.AnnData,
    genes: pd.Index,
    links: pd.DataFrame,
    triplets: pd.DataFrame,
    truth: pd.DataFrame,
    lines: dict[str, str],
    *,
    least_distance: int,
    n_resamples: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score links, and baselines that know no correlation, in every cell type.

    Parameters
    ----------
    atac
        Modality of the multiome, layer ``counts``, var chrom, start, end; obs cell_type.
    genes
        Genes that are measured.
    links, triplets
        Contracts ``region_gene`` and ``eregulons``.
    truth
        CRISPRi pairs (`read_pairs`).
    lines
        Cell type -> its line in the truth.

    Returns
    -------
    Scores by contract ``scores``, a task a cell type, and coverage by contract ``link_coverage``.

    Raises
    ------
    InputError
        If a cell type has no cells, or no pair can be scored.
    """
    types = atac.obs["cell_type"].astype(str).to_numpy()
    scores, coverage = [], []
    for cell_type, line in lines.items():
        cells = types == cell_type
        if not cells.any():
            raise InputError(
                f"cell type {cell_type!r} without cells",
                f"cell types among {sorted(set(types))}",
                "correct bench.link_accuracy.lines",
            )
        counts = np.asarray(atac.layers["counts"][cells].sum(axis=0)).ravel()
        accessibility = pd.Series(counts, index=atac.var_names.astype(str))

        found = match_links(read_pairs(truth, line), atac.var, genes, links)
        scored = score_pairs(found, accessibility, triplets, least_distance, seed)
        scores.append(evaluate_pairs(scored, found.pairs, cell_type, n_resamples, seed))
        coverage.append(found.coverage.assign(cell_type=cell_type))
    return pd.concat(scores, ignore_index=True), pd.concat(coverage, ignore_index=True)
