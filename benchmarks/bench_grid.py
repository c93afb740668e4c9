"""Every backbone x graph layer x graph mode x edge perturbation, trained for a few steps on simulated cells.

All in one process, at a small size, with the default settings otherwise. A combination trains where
every loss is finite, the held-out loss (of the same tokens and masks) falls from the first look, after four steps, to
the end, and the adapter has moved from its start (beta 0). Held-out losses are those of the masked objective; the
reference is the naive baseline on the same tokens (each gene's mean; for geneformer its share). Few steps: the losses
say that all runs, not which combination is best.
"""

import itertools
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from control import true_bundle
from table import Table, say

from grnformer.data.corpus import Corpus
from grnformer.graph.bundle import Bundle
from grnformer.graph.modes import MODES, reads_of, scales_of
from grnformer.model.backbones import BACKBONES
from grnformer.model.gnn import GNNS
from grnformer.settings.read import read_defaults
from grnformer.simulate.screen import Screen, simulate_screen
from grnformer.train.pretrain import pretrain

STEPS, FIRST_LOOK = 32, 4
RATES = {"scgpt": 0.01, "geneformer": 0.01, "scfoundation": 0.03}
SCREEN: dict[str, Any] = {
    "seed": 1, "n_tfs": 10, "n_targets": 50, "n_types": 3, "n_train": 160, "n_heldout": 40, "n_perturbed": 2,
    "perturbed_fraction": 0.3, "max_regulators": 3, "closed_fraction": 0.3, "counts_per_cell": 1000.0,
}  # fmt: skip
PERTURBATIONS = ("none", "random", "coexpression")
SMALL = {"width": 16, "n_layers": 1, "n_heads": 2, "hidden": 32, "decoder_width": 16}


def pretrain_settings(backbone: str, gnn: str) -> dict[str, Any]:
    """The config section `pretrain` at a size below tiny."""
    settings = read_defaults("pretrain")
    size = settings.pop("sizes")["tiny"]
    size |= size.pop("by_backbone").get(backbone, {})
    size["backbone"] = size.pop("backbones")[backbone]
    size["backbone"] |= {
        key: value for key, value in SMALL.items() if key in size["backbone"]
    }
    size["gnn"] |= {"name": gnn, "width": 8, "n_layers": 1, "n_heads": 2}
    size["adapter"]["n_heads"] = 2
    size |= {
        "n_tokens": 32,
        "batch_size": 32,
        "steps": STEPS,
        "warmup_steps": 4,
        "learning_rate": RATES[backbone],
    }
    settings |= {
        "backbone": backbone,
        "size": size,
        "size_name": "grid",
        "heldout_repeats": 1,
    }
    settings["optimiser"] |= {"evaluate_every": FIRST_LOOK, "log_every": 1}
    settings["checkpoints"]["steps"] = STEPS
    settings["embed"] |= {"n_tokens": 32, "draws": 1}
    return settings


def train(
    path: Path,
    screen: Screen,
    bundle: Bundle,
    settings: dict[str, Any],
    perturbation: str,
) -> tuple[Any, str]:
    """Held-out scores of one combination, and what is wrong with it (empty: nothing)."""
    obs = screen.data.obs
    split = pd.DataFrame(
        {
            "cell": screen.data.obs_names.to_numpy(object),
            "cell_type": obs["cell_type"].to_numpy(),
        }
    )
    split["split"] = obs["set"].to_numpy()
    arm = {"graph": bundle.meta["mode"], "adapter": True, "perturbation": perturbation}
    options: dict[str, Any] = {
        "model_seed": 1,
        "threads": 1,
        "checkpoint": None,
        "medians": None,
    }
    with (
        Corpus.of_dataset(path, list(screen.data.var_names)) as store,
        tempfile.TemporaryDirectory() as folder,
    ):
        done = pretrain(
            store, split, bundle, arm, settings, checkpoints=folder, **options
        )
    if done is None:
        raise RuntimeError("the grid runs in one process")
    losses = done.curve.loc[done.curve["split"] == "heldout", "loss"].to_numpy()
    wrong = ["a loss is not finite"] * (not np.isfinite(done.curve["loss"]).all())
    wrong += ["the held-out loss does not fall"] * (not losses[-1] < losses[0])
    wrong += ["beta did not move"] * (done.heldout["beta"] == 0)
    return done.heldout, "; ".join(wrong)


def main() -> None:
    """Train all, write benchmarks/results/grid.tsv; fail where one does not train."""
    logging.disable(logging.INFO)
    screen, table, failed, start = (
        simulate_screen(**SCREEN),
        Table("grid"),
        0,
        time.process_time(),
    )
    whole = true_bundle(screen)
    # those that need no data beside the graph
    modes = [mode for mode in MODES if not reads_of(mode)]
    grid = list(itertools.product(BACKBONES, GNNS, modes, PERTURBATIONS))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "cells.h5ad"
        screen.data.write_h5ad(path)
        for backbone, gnn, mode, perturbation in grid:
            changed = MODES[mode](whole.graph, np.random.default_rng(1))
            bundle = Bundle(
                changed,
                whole.lost,
                {**whole.meta, "mode": mode, "scales": scales_of(mode)},
            )
            what = (
                f"{backbone}, {gnn}, {mode}, perturbation {perturbation}: held-out loss"
            )
            unit = (
                "nats"
                if BACKBONES[backbone].objective == "masked_gene"
                else "deviations^2"
            )
            try:
                scores, wrong = train(
                    path, screen, bundle, pretrain_settings(backbone, gnn), perturbation
                )
            except Exception as error:  # a failure is a row, and the others still run
                scores = {"loss": float("nan"), "baseline_loss": float("nan")}
                wrong = f"{type(error).__name__}: {error}"
            failed += bool(wrong)
            table.add_check(
                what,
                unit,
                scores["loss"],
                scores["baseline_loss"],
                wrong or "trains",
                not wrong,
            )
            say(f"{what} {scores['loss']:.4f} {wrong}")
    table.add_bound(f"combinations of {len(grid)} that do not train", "", failed, 1)
    table.add_figure("all combinations: CPU", "s", time.process_time() - start)
    table.write()
    if failed:
        sys.exit(f"{failed} of {len(grid)} combinations do not train")


if __name__ == "__main__":
    sys.exit(main())
