"""Positive control: pretraining with the true network of simulated cells against rewired, random and no networks.

Few cells for the genes (300 x 120). Half of the TFs are perturbed in some training cells, the other half in held-out
cells alone, and one cell type has no training cells. Five simulated networks, each with a seed of its own; arms of a
seed share data, masks and initial weights, so that differences are paired. Intervals are 95%, by Student's t over the
seeds.
"""

import copy
import logging
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from control import (
    BACKBONE,
    CONTROLS,
    TRUE,
    arm_bundle,
    coexpression_baseline,
    run_arm,
    true_bundle,
)
from table import Table, say

from grnformer.settings.read import read_defaults
from grnformer.simulate.screen import simulate_screen

SEEDS, STEPS, BATCH = (1, 2, 3, 4, 5), 100, 16
PROCESSES = int(
    os.environ.get("CONTROL_PROCESSES", min(2, len(os.sched_getaffinity(0))))
)
SCREEN: dict[str, Any] = {
    "n_tfs": 20, "n_targets": 100, "n_types": 4, "n_train": 300, "n_heldout": 100, "n_perturbed": 20,
    "perturbed_fraction": 0.3, "max_regulators": 3, "closed_fraction": 0.3, "counts_per_cell": 2000.0,
}  # fmt: skip
NAMES = {
    "degree_preserving": "rewired",
    "random": "random",
    "none": "no edges",
    "backbone": "no adapter",
}
LOSSES = {
    "loss_heldout": "masked loss, held-out cells",
    "loss_new_type": "masked loss, a type without training cells",
    "loss_perturbed": "masked loss, held-out perturbations",
}
RUNS = [
    ("scgpt", "hybrid"),
    ("scgpt", "cell_type"),
    ("scgpt", "cell"),
    ("geneformer", "hybrid"),
    ("scfoundation", "hybrid"),
]


def pretrain_settings(backbone: str) -> dict[str, Any]:
    """The config section `pretrain` for a backbone at the size tiny, without scores on the way."""
    settings = read_defaults("pretrain")
    size = copy.deepcopy(settings.pop("sizes")["tiny"])
    size["backbone"] = size.pop("backbones")[backbone]
    size |= size.pop("by_backbone").get(backbone, {})
    # Without the linear start, beside which a true network adds nothing to masked values (docs/linear-start.md).
    size |= {"steps": STEPS, "batch_size": BATCH, "linear_start": False}
    settings |= {
        "backbone": backbone,
        "size": size,
        "size_name": "tiny",
        "heldout_cells": 64,
        "heldout_repeats": 1,
    }
    settings["optimiser"] |= {
        "evaluate_every": size["steps"],
        "log_every": size["steps"],
    }
    return settings


def run_seed(backbone: str, scale: str, seed: int) -> dict[str, dict[str, float]]:
    """Scores of all arms of a seed, by network."""
    logging.disable(logging.INFO)
    screen = simulate_screen(seed=seed, **SCREEN)
    bundle, settings = true_bundle(screen), pretrain_settings(backbone)
    networks = [TRUE, *CONTROLS, *([BACKBONE] if scale == "hybrid" else [])]
    scores = {"co-expression": {"shift": coexpression_baseline(screen)}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        screen.data.write_h5ad(folder / "cells.h5ad")
        for network in networks:
            changed = arm_bundle(bundle, scale, network, seed)
            options: dict[str, Any] = {"model_seed": seed, "folder": folder / network}
            scores[network] = run_arm(
                folder / "cells.h5ad", screen, changed, network, settings, **options
            )
            figures = " ".join(
                f"{key} {value:.4f}" for key, value in scores[network].items()
            )
            say(f"{backbone}, {scale}, seed {seed}, {network}: {figures}")
    return scores


def main() -> None:
    """Run all, write benchmarks/results/control.tsv."""
    table = Table("control")
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        jobs = {
            run: [pool.submit(run_seed, *run, seed) for seed in SEEDS] for run in RUNS
        }
        for (backbone, scale), parts in jobs.items():
            add_rows(table, f"{backbone}, {scale}", [part.result() for part in parts])
            table.write()


def add_rows(
    table: Table, name: str, scores: list[dict[str, dict[str, float]]]
) -> None:
    """Rows of one backbone and scale: the true network against each other arm, paired over seeds."""
    for metric, label in [
        *LOSSES.items(),
        ("shift", "shift by held-out perturbations"),
    ]:
        if metric not in scores[0][TRUE]:
            continue
        ours = np.array([seed[TRUE][metric] for seed in scores])
        for arm in scores[0]:
            if arm == TRUE or metric not in scores[0][arm]:
                continue
            reference = np.array([seed[arm][metric] for seed in scores])
            what = f"{name}: {label}: true network against {NAMES.get(arm, arm)}"
            unit = (
                "r"
                if metric == "shift"
                else "deviations^2"
                if "shift" in scores[0][TRUE]
                else "nats"
            )
            table.add_paired(
                what,
                unit,
                ours,
                reference,
                more_is_better=metric == "shift",
                decides=arm in CONTROLS,
            )
    for arm in (TRUE, *CONTROLS):
        beta = np.mean([abs(seed[arm]["beta"]) for seed in scores])
        table.add_figure(
            f"{name}: size of beta, {NAMES.get(arm, f'{arm} network')}", "", float(beta)
        )


if __name__ == "__main__":
    sys.exit(main())
