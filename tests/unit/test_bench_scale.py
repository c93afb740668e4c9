"""What the benchmark of large runs says of Snakemake's measurements."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("bench_scale")
    for name in ("bench_scale", "harness", "table"):
        sys.modules.pop(name, None)


def test_jobs_of_a_step_add_up_and_stages_stand_in_their_order(program, tmp_path):
    of_jobs = {
        "simulated/topics/fit_topics.20.tsv": (10, 8, 300),
        "simulated/topics/fit_topics.40.tsv": (30, 28, 200),
        "simulated/prep/ingest_sample.one.tsv": (1, "NA", "NA"),
        "simulated/pretrain/pretrain_model.tsv": (9, 9, 9),
    }
    for name, cost in of_jobs.items():
        path = tmp_path / "benchmarks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        row = "\t".join(map(str, cost))
        path.write_text(f"s\tcpu_time\tmax_rss\n{row}\n")
    steps = program.read_steps(tmp_path)
    assert steps["step"].tolist() == ["ingest_sample", "fit_topics"]
    assert steps["wall_seconds"].tolist() == [1, 40]
    assert steps["cpu_seconds"].tolist() == [0, 36]
    assert steps["peak_memory_mb"].iloc[1] == 300
