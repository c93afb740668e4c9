"""Set genes in silico in a finished run, by one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.infer.perturb.edit import edits_of
from grnformer.infer.perturb.join import join_shifts
from grnformer.infer.perturb.network import perturb_networks
from grnformer.infer.perturb.trained import perturb_model
from grnformer.settings.read import read_defaults


def perturb(
    folder: str | Path,
    genes: Sequence[str],
    *,
    arm: str | None = None,
    model_seed: int = 1,
    cell_types: Sequence[str] | None = None,
    settings: dict[str, Any] | None = None,
) -> pd.DataFrame:
    """Knock genes down and over-express them, through the networks of a dataset and through one of its models.

    Parameters
    ----------
    folder
        Of a dataset of a run, such as results/snareseq.
    genes
        Symbols, TFs or not.
    arm, model_seed
        Of pretraining; no arm: networks only.
    cell_types
        None: all.
    settings
        Config section `perturb`: kinds, fold, quantile, steps, n_rewired, cells, draws, batch_size, seed; None: the
        defaults.

    Returns
    -------
    pandas.DataFrame
        Contract ``perturbed_genes``: shift of every target, beside rewired forms of the network. A gene that cannot be
        set has one row, without shift, and a reason.

    Raises
    ------
    InputError
        If the folder holds no networks, or not the model; if none of the cell types is there; if the model's backbone
        predicts no values.
    """
    folder = Path(folder)
    settings = settings or read_defaults("perturb")
    cells, networks = folder / "prep/multiome.h5mu", folder / "grn/cell_type"
    model = folder / f"pretrain/{arm}/seed{model_seed}"
    needed = [cells, networks, *([model / "model.json"] if arm else [])]
    absent = [path for path in needed if not path.exists()]
    if absent:
        raise InputError(
            f"there is no {absent[0]}",
            "the folder of a dataset of a finished run",
            "name another dataset, arm or seed, or run the workflow first",
        )

    edits = edits_of(settings)
    network = perturb_networks(networks, cells, genes, edits, settings, cell_types)
    by_arm, arms = {}, {}
    if arm is not None:
        found = perturb_model(model, None, cells, genes, edits, settings, cell_types)
        by_arm[arm] = found.shifts.assign(seed=model_seed)
        arms[arm] = io.read_json(model / "model.json", "model")["arm"]
    return join_shifts(network, by_arm, arms, folder.name)
