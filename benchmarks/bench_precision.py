"""Training steps on a CPU: layers compiled or not, bfloat16 or float32, of scGPT at the sizes tiny and base.

Whole runs of pretraining (GNN, adapter, optimiser) on simulated cells, with the default settings but for
the number of cells a step (base) and of steps, in one process held to one core. The first steps, in which layers are
compiled, are told apart from the others, of which the median is taken.
"""

import logging
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from control import true_bundle
from table import Table, say

from grnformer.data.corpus import Corpus
from grnformer.graph.bundle import Bundle
from grnformer.settings.read import read_defaults
from grnformer.simulate.screen import Screen, simulate_screen
from grnformer.train.pretrain import pretrain
from grnformer.train.progress import Progress

FIRST, STEPS = 2, 8  # steps told apart, and in all
CELLS = {"tiny": 32, "base": 8}  # a step
SCREEN: dict[str, Any] = {
    "seed": 1, "n_tfs": 20, "n_targets": 600, "n_types": 3, "n_train": 64, "n_heldout": 8, "n_perturbed": 2,
    "perturbed_fraction": 0.3, "max_regulators": 3, "closed_fraction": 0.3, "counts_per_cell": 2000.0,
}  # fmt: skip
EXACT, HALF = 1e-4, 0.02  # of a loss, relative: compiled; bfloat16


@dataclass
class Trained:
    """CPU and wall seconds at the start and after each step, and the losses."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    losses: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def look(self) -> None:
        """Note the time."""
        self.cpu.append(sum(os.times()[:4]))
        self.wall.append(time.perf_counter())

    def step(self, clock: str) -> float:
        """Median seconds of the later steps."""
        return float(np.median(np.diff(getattr(self, clock))[FIRST:]))

    def first(self, clock: str) -> float:
        """Seconds of the first steps together."""
        return float(np.sum(np.diff(getattr(self, clock))[:FIRST]))


def train(
    path: Path, screen: Screen, bundle: Bundle, name: str, **changed: Any
) -> Trained:
    """A run of the size `name`, but for what is changed."""
    settings = read_defaults("pretrain")
    size = settings.pop("sizes")[name]
    size |= {
        "backbone": size.pop("backbones")["scgpt"],
        "batch_size": CELLS[name],
        "steps": STEPS,
    } | changed
    # drawn in another order where layers are compiled
    size["backbone"]["dropout"] = 0.0
    settings |= {
        "backbone": "scgpt",
        "size": size,
        "size_name": name,
        "heldout_repeats": 1,
    }
    settings["optimiser"] |= {"evaluate_every": STEPS, "log_every": 1}
    settings["checkpoints"]["steps"] = STEPS
    split = pd.DataFrame({"cell": screen.data.obs_names.to_numpy(object)})
    split["cell_type"], split["split"] = (
        screen.data.obs[column].to_numpy() for column in ("cell_type", "set")
    )
    arm = {"graph": "hybrid", "adapter": True, "perturbation": "none"}
    options: dict[str, Any] = {
        "model_seed": 1,
        "threads": 1,
        "checkpoint": None,
        "medians": None,
    }
    trained = Trained()

    class Watched(Progress):
        def __enter__(self) -> Progress:
            trained.look()
            return super().__enter__()

        def advance(self, *arguments: Any) -> None:
            trained.look()
            super().advance(*arguments)

    with (
        Corpus.of_dataset(path, list(screen.data.var_names)) as store,
        tempfile.TemporaryDirectory() as folder,
        mock.patch("grnformer.train.loop.Progress", Watched),
    ):
        done = pretrain(
            store, split, bundle, arm, settings, checkpoints=folder, **options
        )
    if done is None:
        raise RuntimeError("the benchmark runs in one process")
    trained.losses = done.curve.loc[done.curve["split"] == "train", "loss"].to_numpy()
    say(
        f"{name} {changed}: CPU s a step {np.diff(trained.cpu).round(3)}, losses {trained.losses.round(4)}"
    )
    return trained


def add_rows(
    table: Table, what: str, ours: Trained, reference: Trained, bound: float
) -> None:
    """Costs of a step, of the first ones, and how far losses are apart."""
    for clock in ("cpu", "wall"):
        table.add_cost(
            f"{what}: {clock} of a step", "s", ours.step(clock), reference.step(clock)
        )
    table.add_cost(
        f"{what}: wall of the first {FIRST} steps",
        "s",
        ours.first("wall"),
        reference.first("wall"),
    )
    apart = np.abs(ours.losses / reference.losses - 1).max()
    table.add_bound(
        f"{what}: loss, greatest relative difference of {STEPS} steps",
        "",
        float(apart),
        bound,
    )


def main() -> None:
    """Run all, write benchmarks/results/precision.tsv."""
    # else by processes of their own, of unknown cost
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    logging.disable(logging.INFO)
    screen, table = simulate_screen(**SCREEN), Table("precision")
    bundle = true_bundle(screen)
    with tempfile.TemporaryDirectory() as name:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = name
        path = Path(name) / "cells.h5ad"
        screen.data.write_h5ad(path)
        eager = train(path, screen, bundle, "tiny")
        compiled = train(path, screen, bundle, "tiny", compile=True)
        add_rows(
            table,
            f"tiny, {CELLS['tiny']} cells, compiled against not",
            compiled,
            eager,
            EXACT,
        )
        base = f"base, {CELLS['base']} cells"
        exact = train(path, screen, bundle, "base", precision="32-true")
        half = train(path, screen, bundle, "base")
        add_rows(table, f"{base}, bf16-mixed against 32-true", half, exact, HALF)
        compiled = train(path, screen, bundle, "base", compile=True)
        add_rows(
            table, f"{base}, bf16-mixed, compiled against not", compiled, half, HALF
        )
    table.write()


if __name__ == "__main__":
    main()
