"""Costs of the run: which benchmark files count, and for what."""

from pathlib import Path

import numpy as np
import pytest

from grnformer.core import contracts
from grnformer.report.costs import collect_costs
from grnformer.report.sections.run import sum_up_costs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    measured = "s\th:m:s\tmax_rss\tcpu_time\n{s}\t0:00:01\t{rss}\t{cpu}\n"
    for path, s, rss, cpu in (
        ("pbmc/prep/filter_multiome.tsv", 2, 100, 1.5),
        ("pbmc/grn/infer_tf_gene.tsv", 10, 300, 19),
        ("pbmc/grn_seed2/infer_tf_gene.tsv", 11, 200, 20),
        ("bench/prepare_drug_response.tsv", 0.1, "NA", "NA"),
        ("report/render_report.tsv", 5, 5, 5),
        ("resources/fetch_resource.a.tsv", 5, 5, 5),
        ("earlier/prep/filter_multiome.tsv", 5, 5, 5),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(measured.format(s=s, rss=rss, cpu=cpu))
    return tmp_path


def test_jobs_of_this_run_are_counted_by_stage(folder: Path) -> None:
    table = collect_costs(folder, folder / "logs", ["pbmc"])
    assert table[["dataset", "stage", "job"]].to_numpy().tolist() == [
        ["pbmc", "prep", "filter_multiome"],
        ["pbmc", "grn", "infer_tf_gene"],
        ["pbmc", "grn", "infer_tf_gene.seed2"],
        ["all", "bench", "prepare_drug_response"],
    ]
    assert table["wall_seconds"].tolist() == [2, 10, 11, 0.1]
    assert np.isnan(table["peak_memory_mb"].iloc[-1])
    contracts.check(table, "costs", where="here")


def test_a_stage_sums_its_times_and_takes_its_largest_memory(folder: Path) -> None:
    grn = (
        sum_up_costs(
            collect_costs(folder, folder / "logs", ["pbmc"]).rename(
                columns={"dataset": "of"}
            )
        )
        .set_index("stage")
        .loc["grn"]
    )
    assert (
        grn["jobs"],
        grn["wall_seconds"],
        grn["cpu_seconds"],
        grn["peak_memory_mb"],
    ) == (2, 21, 39, 300)


def test_what_a_job_says_of_itself_replaces_samples(folder: Path) -> None:
    beside = folder / "logs/pbmc/grn_seed2/infer_tf_gene.cost.json"
    beside.parent.mkdir(parents=True)
    beside.write_text('{"cpu_seconds": 38.5, "peak_memory_mb": 150}')
    short = folder / "logs/bench/prepare_drug_response.cost.json"
    short.parent.mkdir()
    short.write_text('{"cpu_seconds": 0.1, "peak_memory_mb": 90}')
    table = collect_costs(folder, folder / "logs", ["pbmc"]).set_index("job")
    assert table.loc["infer_tf_gene.seed2"].tolist()[2:] == [11, 38.5, 200]
    assert table.loc["infer_tf_gene"].tolist()[2:] == [10, 19, 300]
    assert table.loc["prepare_drug_response"].tolist()[2:] == [0.1, 0.1, 90]


def test_a_run_without_benchmark_files_has_an_empty_table_of_numbers(
    tmp_path: Path,
) -> None:
    table = collect_costs(tmp_path / "none", tmp_path, ["pbmc"])
    assert table.empty
    contracts.check(table, "costs", where="here")
