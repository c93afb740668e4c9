"""The training cells of a dataset by themselves, for networks that nothing of held-out cells may reach."""

from __future__ import annotations

from typing import Any

import mudata
import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.prep.annotate import annotate_multiome, embed_multiome, normalise
from grnformer.prep.filters import judge_features, take_subset
from grnformer.prep.qc import stop_if_few

_REMEDY = "hold out fewer cells, lower prep.{section}.min_cells, or set pretrain.networks to all_cells"


def take_training_cells(
    counts: mudata.MuData,
    split: pd.DataFrame,
    *,
    min_cells: dict[str, int],
    embedding: dict[str, Any],
    seed: int,
) -> mudata.MuData:
    """Take the training cells; choose genes and regions, normalise and embed anew, by these cells alone.

    Cell types are those of the split. Cells were filtered, and without an annotation clustered, together with held-out
    ones.

    Parameters
    ----------
    counts
        Contract ``paired_counts``, filtered.
    split
        Contract ``split``, of these cells.
    min_cells
        ``genes`` and ``regions`` -> training cells that each is found in, at least.
    embedding, seed
        See `embed_multiome`.

    Returns
    -------
    Contract ``multiome``.

    Raises
    ------
    InputError
        If the split is of other cells, or too few genes or regions are left.
    """
    of_cell = split.set_index("cell").reindex(counts.obs_names)
    if of_cell["split"].isna().any():
        raise InputError(
            f"{int(of_cell['split'].isna().sum())} of {counts.n_obs} cells are not in the split",
            "a split of these very cells",
            "run split_cells again",
        )

    training = (of_cell["split"] == "train").to_numpy()
    kept: dict[str, np.ndarray] = {}
    for modality, section in (("rna", "genes"), ("atac", "regions")):
        if modality not in counts.mod:
            continue
        part = counts.mod[modality][training]
        reasons = judge_features(part, min_cells[section])
        remedy = _REMEDY.format(section=section)
        stop_if_few(reasons, section.removesuffix("s"), remedy=remedy)
        kept[modality] = (reasons == "").to_numpy()

    taken = take_subset(counts, training, kept)
    taken.obs["cell_type"] = of_cell["cell_type"].astype(str)[training].to_numpy()
    normalise(taken)
    return annotate_multiome(
        taken, embed_multiome(taken, seed=seed, settings=embedding)
    )
