"""The kit for a GPU, tried on a CPU: what it compares and how it goes on after a failure."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def kit():
    sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location("bench_gpu", FOLDER / "bench_gpu.py")
    module = sys.modules["bench_gpu"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(FOLDER))


def test_a_run_handed_on_is_compared_with_one_that_was_not(kit, tmp_path):
    tried = kit.Kit("cpu", 3, 5)
    tried.checks(kit.Runs(kit.simulate(tmp_path, 400, 150), "scgpt", "cpu"))
    rows = {what.split(": ")[1]: value for what, _, value, *_ in tried.table.rows}
    assert rows["5 steps on cpu, then on cpu"] == 0
    assert 0 < rows["bf16-mixed against float32"] < kit.HALF
    assert rows["held-out loss and embeddings, greatest difference"] == 0
    assert tried.failed == 0


def test_losses_that_differ_are_told(kit):
    one, other = (kit.Trained(np.array(losses)) for losses in ([1.0, 2.0], [1.0, 1.6]))
    assert kit.apart(one, other) == pytest.approx(0.25)
    tried = kit.Kit("cpu", 3, 5)
    tried.check("a row", kit.EXACT, lambda: one, lambda: other)
    assert tried.table.rows[0][-1] == "no"


def test_a_row_that_fails_does_not_stop_the_others(kit, capsys):
    tried = kit.Kit("cpu", 3, 5)
    tried.row("first", lambda: 1 / 0)
    tried.row("second", lambda: tried.table.add_figure("second", "ms", 1.0))
    assert tried.failed == 1
    assert [row[0] for row in tried.table.rows] == ["first: failed", "second"]
    assert "ZeroDivisionError" in capsys.readouterr().out
