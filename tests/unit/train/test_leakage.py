"""What is held out reaches no weight: not by batches, moments, medians nor the start of embeddings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.train.pretrain import pretrain

GENEFORMER = {
    "width": 16,
    "n_layers": 1,
    "n_heads": 2,
    "hidden": 32,
    "dropout": 0.0,
    "positions": 64,
    "cell_tokens": False,
    "bert_masks": False,
}


@pytest.mark.parametrize("backbone", ["scgpt", "geneformer"])
def test_the_values_of_held_out_cells_change_no_weight(
    cells: Any, bundle_of: Any, settings: Any, tmp_path: Path, backbone: str
) -> None:
    path, data, *_ = cells
    bundle = bundle_of("hybrid")
    if backbone == "geneformer":
        settings = settings | {"backbone": backbone}
        settings["size"] = settings["size"] | {"backbone": GENEFORMER}
    settings["size"] = settings["size"] | {"steps": 4, "block_cells": 200}
    split = split_cells(data.obs, heldout_fraction=0.25, seed=1)
    held_out = data.obs_names.isin(split.loc[split["split"] == "heldout", "cell"])
    assert 0 < held_out.sum() < len(data)

    def train(name: str) -> Any:
        with Corpus.of_dataset(path, bundle.graph.genes["gene"].tolist()) as store:
            arm = {"graph": "hybrid", "adapter": True, "perturbation": "coexpression"}
            return pretrain(
                store, split, bundle, arm, settings, model_seed=1, checkpoints=tmp_path / name, threads=1,
                checkpoint=None, medians=None,
            )  # fmt: skip

    one = train("one")
    values = data.X.toarray()
    # other cells altogether
    values[held_out] = 3 * np.random.default_rng(9).random(
        (held_out.sum(), data.n_vars)
    )
    data.X = sp.csr_matrix(values.astype(np.float32))
    data.write_h5ad(path)
    other = train("other")

    assert other.heldout["loss"] != one.heldout["loss"], "the cells are others"
    weights = other.model.state_dict()
    for name, weight in one.model.state_dict().items():
        assert torch.equal(weight, weights[name]), name
    curves = [
        trained.curve.query("split == 'train'")["loss"] for trained in (one, other)
    ]
    assert curves[0].tolist() == curves[1].tolist()
