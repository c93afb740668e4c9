"""Costs of jobs, from Snakemake's benchmark files."""

from pathlib import Path

import numpy as np
import pytest

from grnformer.core import contracts
from grnformer.report.costs import collect_costs
from grnformer.report.sections.run import sum_up_costs

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tcpu_time\n"


def put(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(HEAD + "".join(rows))
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    results = tmp_path / "results"
    return [
        put(results / "a" / "benchmark" / "topics" / "fit.4.tsv", "3\t0:00:03\t10\t20\t2\n", "5\t0:00:05\t30\t20\t4\n"),
        put(results / "a" / "benchmark" / "prep" / "short.tsv", "0.1\t0:00:00\tNA\tNA\t-\n"),
        put(results / "benchmark" / "bench" / "split.tsv", "2\t0:00:02\t7\t20\t1\n"),
    ]


def test_one_row_a_job(files: list[Path]) -> None:
    table = collect_costs(files)
    contracts.check(table, "costs", where="here")
    assert table[["dataset", "stage", "job"]].to_numpy().tolist() == [
        ["a", "topics", "fit.4"],
        ["a", "prep", "short"],
        ["all", "bench", "split"],
    ]
    assert table["wall_seconds"].tolist() == [4, 0.1, 2]
    assert table["peak_memory_mb"].to_numpy() == pytest.approx([30, np.nan, 7], nan_ok=True)
    assert table["cpu_seconds"].to_numpy() == pytest.approx([3, np.nan, 1], nan_ok=True)


def test_stages_are_summed_up(files: list[Path]) -> None:
    table = sum_up_costs(collect_costs([*files, files[0]]).rename(columns={"dataset": "of"}))
    assert table.loc[0, ["of", "stage", "jobs", "wall_seconds", "peak_memory_mb"]].tolist() == ["a", "topics", 2, 8, 30]


def test_no_file_is_an_empty_table() -> None:
    contracts.check(collect_costs([]), "costs", where="here")
