"""Backbone, graph layer, fusion, direction, place of the adapter, tuning, graph mode, perturbation: all train together.

A covering array: every pair of choices meets in some run, so that each cell of backbone x layer x mode x perturbation
is met up to a third choice.
"""

import itertools
import random

import numpy as np
import pytest

from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.graph.modes import MODES, reads_of, scales_of
from grnformer.model.backbones import BACKBONES
from grnformer.model.gnn import GNNS
from grnformer.train.pretrain import pretrain

CHOICES = {
    "backbone": list(BACKBONES),
    "gnn": list(GNNS),
    "mode": [mode for mode in MODES if not reads_of(mode)],
    "perturbation": ["none", "random", "coexpression"],
    "degree_power": [0, -1],
    "fusion": ["sum", "gate", "concat"],
    "direction": ["tf_to_gene", "both"],
    "position": ["after", "replace_last"],
    "tune": ["full", "frozen", "partly", "lora"],
}
ARCHITECTURE = {
    "scgpt": {
        "n_bins": 20,
        "hidden": 32,
        "norm_first": True,
        "bilinear": True,
        "original": False,
    }
    | {"masked_attention": False},
    "geneformer": {
        "hidden": 32,
        "positions": 64,
        "cell_tokens": False,
        "bert_masks": True,
    },
    "scfoundation": {
        "n_bins": 6,
        "bin_alpha": 1.0,
        "decoder_width": 16,
        "decoder_layers": 1,
        "decoder_heads": 2,
    }
    | {"original": False, "part": "cell"},
}
COMMON = {"width": 16, "n_layers": 2, "n_heads": 2, "dropout": 0.0}
STEPS = 16


def pairs(run):
    return set(itertools.combinations(sorted(run.items()), 2))


def covering_runs():
    """Greedy: of random runs, the one with most pairs that were not met yet."""
    rng = random.Random(0)
    left = {
        pair
        for values in itertools.combinations(CHOICES, 2)
        for pair in _products(*values)
    }
    runs = []
    while left:
        some = [
            {name: rng.choice(values) for name, values in CHOICES.items()}
            for _ in range(300)
        ]
        best = max(some, key=lambda run: len(pairs(run) & left))
        if pairs(best) & left:
            runs.append(best)
            left -= pairs(best)
    return runs


def _products(one, other):
    first, second = sorted([one, other])
    return [((first, a), (second, b)) for a in CHOICES[first] for b in CHOICES[second]]


@pytest.mark.parametrize(
    "run",
    covering_runs(),
    ids=lambda run: "-".join(str(value) for value in run.values()),
)
def test_every_combination_trains(cells, bundle_of, settings, tmp_path, run):
    bundle = bundle_of(run["mode"])
    bundle.meta["scales"] = scales_of(run["mode"])
    size = settings["size"] | {"steps": STEPS, "warmup_steps": 2, "learning_rate": 0.01}
    size |= {"batch_size": 128, "n_tokens": 32}
    size["backbone"] = ARCHITECTURE[run["backbone"]] | COMMON
    size["adapter"] = size["adapter"] | {"position": run["position"]}
    size["gnn"] = size["gnn"] | {
        "name": run["gnn"],
        "n_layers": 2,
        **{k: run[k] for k in ("fusion", "direction")},
    }
    settings = settings | {
        "backbone": run["backbone"],
        "size": size,
        "perturbed_degree_power": run["degree_power"],
    }
    settings["tune"] = settings["tune"] | {"how": run["tune"]}
    settings["optimiser"] = settings["optimiser"] | {
        "log_every": 1,
        "evaluate_every": STEPS,
    }
    settings["embed"] = settings["embed"] | {"draws": 1}
    arm = {"graph": run["mode"], "adapter": True, "perturbation": run["perturbation"]}
    path, data, *_ = cells
    split = split_cells(data.obs, heldout_fraction=0.1, seed=1)
    given = {
        "model_seed": 1,
        "checkpoints": tmp_path / "c",
        "threads": 1,
        "checkpoint": None,
        "medians": None,
    }
    with Corpus.of_dataset(path, bundle.graph.genes["gene"].tolist()) as store:
        done = pretrain(store, split, bundle, arm, settings, **given)
    curve = done.curve.query("split == 'train'")["loss"]
    assert np.isfinite(done.curve["loss"]).all()
    assert curve.iloc[-4:].mean() < curve.iloc[:2].mean()
    assert done.heldout["beta"] != 0
    assert np.isfinite(done.reference.filter(like="dim_").to_numpy()).all()
