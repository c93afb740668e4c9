"""Training cells by themselves: nothing of held-out cells reaches what networks are inferred from."""

from typing import Any

import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.data.split import split_cells
from grnformer.prep.sample import load_sample
from grnformer.prep.training import take_training_cells

pytestmark = pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
SETTINGS: dict[str, Any] = {
    "min_cells": {"genes": 3, "regions": 3},
    "embedding": {
        "n_hvgs": 40,
        "n_pcs": 5,
        "n_lsi": 5,
        "n_neighbors": 8,
        "cluster_resolution": 1.0,
        "max_exact_cells": 200_000,
        "umap_min_dist": 0.5,
    },
    "seed": 1,
}


@pytest.fixture
def counts(write_pair, tss, ingest_settings, cell_types):
    """Filtered counts of two donors; the second has cells of both types."""
    data = load_sample(write_pair(), tss, **ingest_settings)[0]
    data.obs["donor"] = np.where(np.arange(data.n_obs) % 4 == 0, "held", "other")
    data.obs["cell_type"] = cell_types.to_numpy()
    return data


def arrays(data: mudata.MuData) -> dict[str, Any]:
    """All of a multiome that a later stage could read."""
    rna, atac = data.mod["rna"], data.mod["atac"]
    found = {"genes": list(rna.var_names), "regions": list(atac.var_names), "cells": list(data.obs_names)}  # fmt: skip
    for name, part in (("rna", rna), ("atac", atac)):
        found[f"{name} X"] = part.X.toarray().tobytes()
        found[f"{name} var"] = part.var.to_csv()
        found[f"{name} embedding"] = [values.tobytes() for values in part.obsm.values()]
    return found | {"obs": data.obs.to_csv(), "umap": data.obsm["X_umap"].tobytes()}


def test_other_counts_of_a_held_out_donor_change_no_bit(counts) -> None:
    split = split_cells(counts.obs, heldout_fraction=0.2, seed=1, donors=["held"])
    held = (counts.obs["donor"] == "held").to_numpy()
    assert ((split["split"] == "heldout").to_numpy() == held).all()

    other = counts.copy()
    rng = np.random.default_rng(3)
    for part in other.mod.values():
        values = part.X.toarray()
        values[held] = rng.poisson(9, values[held].shape)
        # a feature that training cells have too rarely to be kept
        values[~held, 0] = 0
        part.X = sp.csr_matrix(values.astype(np.int32))
        mine = counts.mod["rna" if part is other.mod["rna"] else "atac"]
        without = mine.X.toarray()
        without[~held, 0] = 0
        mine.X = sp.csr_matrix(without.astype(np.int32))

    one = take_training_cells(counts.copy(), split, **SETTINGS)
    contracts.check(one, "multiome", where="test")
    assert one.n_obs == (~held).sum()
    assert "GENE0" not in one.mod["rna"].var_names
    assert arrays(one) == arrays(take_training_cells(other.copy(), split, **SETTINGS))

    # the leak put in: the same of all cells
    every = split.assign(split="train")
    leaky = [arrays(take_training_cells(data, every, **SETTINGS)) for data in (counts, other)]  # fmt: skip
    assert leaky[0]["genes"] == leaky[1]["genes"], "kept by the held-out donor"
    assert leaky[0]["rna X"] != leaky[1]["rna X"]
    assert leaky[0]["umap"] != leaky[1]["umap"]


def test_types_without_an_annotation_are_those_of_the_split(counts) -> None:
    del counts.obs["cell_type"]
    types = np.where(np.arange(80) < 40, "one", "two")
    clusters = pd.DataFrame({"cell_type": types}, index=counts.obs_names)
    split = split_cells(clusters, heldout_fraction=0.2, seed=1)
    data = take_training_cells(counts, split, **SETTINGS)
    expected = split[split["split"] == "train"]
    assert data.obs["cell_type"].tolist() == expected["cell_type"].tolist()
    assert list(data.obs_names) == expected["cell"].tolist()


def test_splits_and_donors_that_cannot_be(counts) -> None:
    whole = split_cells(counts.obs, heldout_fraction=0.2, seed=1)
    with pytest.raises(InputError, match="1 of 80 cells are not in the split"):
        take_training_cells(counts, whole.iloc[1:], **SETTINGS)
    for donors in (["nobody"], ["held", "other"]):
        with pytest.raises(InputError, match="cells of the donors"):
            split_cells(counts.obs, heldout_fraction=0.2, seed=1, donors=donors)
    counts.obs.loc[counts.obs["donor"] == "held", "cell_type"] = "rare"
    with pytest.raises(InputError, match="type 'rare' in held-out donors alone"):
        split_cells(counts.obs, heldout_fraction=0.2, seed=1, donors=["held"])
