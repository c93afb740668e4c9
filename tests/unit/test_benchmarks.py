"""Benchmarks that only run by hand still fit the code that they measure."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Import a benchmark or a task by its name."""
    for folder in (BENCHMARKS, BENCHMARKS / "tasks"):
        monkeypatch.syspath_prepend(str(folder))
    known = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - known:
        # of the benchmarks alone: libraries must not be imported twice
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_motif_enrichment_runs_on_planted_sets(load):
    rng = np.random.default_rng(1)
    ranks = np.stack([rng.permutation(3000) for _ in range(40)], axis=1)
    member = np.zeros((3000, 2), bool)
    member[ranks[:, 3] < 60, 0] = True
    member[rng.choice(3000, 60, replace=False), 1] = True
    options = {
        "total": 3000, "auc_threshold": 0.05, "rank_threshold": 0.1, "nes_threshold": 3.0,
    }  # fmt: skip
    task = load("cistarget_ours")
    given = {"ranks": ranks.astype(np.int32), "members": member}
    found = task.run(task.prepare(given, options), options)
    assert found["nes"][0].argmax() == 3
    assert (found["peaks"][0] >= 0).nonzero()[0].tolist() == [3]


@pytest.mark.parametrize("n_files", [1, 2])
def test_cells_are_streamed_from_one_file_or_two(load, monkeypatch, tmp_path, n_files):
    data = load("bench_data")
    monkeypatch.setattr(data, "STEPS", 12)
    paths = [tmp_path / f"{number}.h5ad" for number in range(n_files)]
    for path in paths:
        data.write_cells(path, 600)
    found = data.measure([str(path) for path in paths])
    assert found["cells_per_second"] > 0
    assert found["resident"] > 0
