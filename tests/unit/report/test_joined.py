"""Summaries of runs with what they rest on, and runs of other commits, settings, splits and data beside each other."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from grnformer.bench.summary import summarise_scores
from grnformer.cli.main import main
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.report.joined import (
    compare_origins,
    find_summary,
    join_metrics,
    pick_best,
    set_beside,
)
from grnformer.report.run_summary import summarise_run, tabulate_metrics

CONFIG = {"report": {"title": "T"}, "pretrain": {"seeds": [1]}}


def record(rule: str, output: str, inputs: list[dict[str, str]], **settings: Any):
    return {
        "rule": rule, "wildcards": {"dataset": "lines"}, "settings": settings, "code": "c", "inputs": inputs,
        "outputs": [output], "software": {"commit": "abc"},
    }  # fmt: skip


@pytest.fixture
def summary(tmp_path: Path) -> dict[str, Any]:
    """A run of one benchmark: a model above its baseline in three folds, and a control without a value."""
    rows = [
        ("drug", "line", arm, kind, "double_centred_pearson", "fold", str(fold), value + 0.01 * fold, 50)
        for arm, kind, value in (("hybrid", "model", 0.4), ("mean", "baseline", 0.1), ("random", "control", np.nan))
        for fold in range(3)
    ]  # fmt: skip
    columns = ["benchmark", "task", "arm", "kind", "metric", "unit", "member"]
    scores = pd.DataFrame(rows, columns=[*columns, "value", "n"])
    path = tmp_path / "results" / "lines" / "bench" / "drug" / "summary.tsv"
    table = summarise_scores(scores, n_resamples=100, seed=1)
    io.write_table(table, path, "summary")
    place = "results/lines/bench"
    split, model = f"{place}/split.tsv", "results/lines/pretrain/model.tsv"
    records = [
        record("score_drug", str(path), [{"file": split, "digest": "tsv"}, {"file": model, "digest": "m"}], seed=1),
        record("split_drug", split, [{"file": "screen.csv", "digest": "sha256:1"}], folds=3),
        record("fetch_resource", "screen.csv", [], source="pypi"),
        record("pretrain_model", model, [{"file": "counts.h5ad", "digest": "sha256:2"}], settings={"steps": 9}),
    ]  # fmt: skip
    by_output = {output: made for made in records for output in made["outputs"]}
    return summarise_run([str(path)], tmp_path / "results", by_output, CONFIG, "now")


def test_a_run_is_summed_up_with_what_it_rests_on(summary: dict[str, Any]) -> None:
    (origin,) = summary["benchmarks"]
    assert origin["settings"] == {"score_drug": {"seed": 1}, "split_drug": {"folds": 3}}
    assert origin["settings_before"] == {"pretrain_model": {"settings": {"steps": 9}}}
    # what is fetched is data; text tables carry no record: jobs are found by their outputs, and are no data
    assert origin["data"] == {"screen.csv": "sha256:1"}
    assert origin["data_before"] == {"counts.h5ad": "sha256:2"}
    assert list(origin["splits"]) == ["split_drug dataset=lines"]
    assert origin["commit"] == "abc"
    metrics = tabulate_metrics(json.loads(json.dumps(summary))).set_index("arm")
    assert metrics.loc["hybrid", "value"] == pytest.approx(0.41)
    assert metrics.loc["hybrid", "above_baseline"] == pytest.approx(0.3)
    assert np.isnan(metrics.loc["random", "value"])
    assert metrics.loc["random", ["members", "failed"]].tolist() == [0, 3]
    assert set(metrics["config_hash"]) == {summary["config_hash"]}


def test_the_hash_of_the_config_is_of_what_makes_results(
    summary: dict[str, Any],
) -> None:
    def hashed(**changed: Any) -> str:
        return summarise_run([], Path(), {}, CONFIG | changed, "now")["config_hash"]

    assert hashed() == summary["config_hash"]
    assert hashed(report={"title": "other"}) == hashed()
    assert hashed(pretrain={"seeds": [1, 2]}) != hashed()


@pytest.mark.parametrize(
    ("part", "value", "what", "comparable"),
    [
        ("commit", "def", "commit", True),
        ("settings", {"score_drug": {"seed": 2}, "split_drug": {"folds": 3}}, "settings of the task", False),
        ("splits", {"split_drug dataset=lines": "other"}, "splits", False),
        ("data", {"screen.csv": "sha256:9"}, "data of the task", False),
        ("settings_before", {"pretrain_model": {"settings": {"steps": 8}}}, "settings of networks and models", True),
        ("data_before", {}, "data of networks and models", True),
        ("commit", "unknown", "origin unknown", False),
    ],
)  # fmt: skip
def test_where_runs_are_not_comparable_is_said(
    summary: dict[str, Any], part: str, value: Any, what: str, comparable: bool
) -> None:
    other = copy.deepcopy(summary)
    assert compare_origins({"a": summary, "b": other}).empty
    other["benchmarks"][0][part] = value
    (row,) = compare_origins({"a": summary, "b": other}).to_dict("records")
    assert (row["what"], row["comparable"]) == (what, comparable)
    assert (row["run"], row["against"]) == ("b", "a")


def test_another_run_does_not_take_the_place_of_this_one() -> None:
    assert list(set_beside("a", {"earlier": "b"}).items()) == [
        ("this run", "a"),
        ("earlier", "b"),
    ]
    with pytest.raises(InputError, match="the name 'this run'"):
        set_beside("a", {"this run": "b"})


def test_an_arm_that_one_run_has_is_no_difference(summary: dict[str, Any]) -> None:
    other = copy.deepcopy(summary)
    for run, steps in ((summary, 9), (other, 8)):
        arms = {"hybrid": {"graph": "hybrid", "steps": steps}}
        run["benchmarks"][0]["settings_before"]["pretrain_model"]["arms"] = arms
    other["benchmarks"][0]["settings_before"]["pretrain_model"]["arms"]["cell"] = {}
    (row,) = compare_origins({"a": summary, "b": other}).to_dict("records")
    assert row["details"] == "pretrain_model.arms.hybrid.steps: 8 (was 9)"


def test_the_best_arm_is_judged_in_words(summary: dict[str, Any]) -> None:
    single = copy.deepcopy(summary)
    for row in single["metrics"]:
        if row["arm"] == "hybrid":
            row |= {"members": 1, "above_baseline_low": None, "unit": "seed"}
    best = pick_best(join_metrics({"a": summary, "b": single}))
    assert best["run"].tolist() == ["a", "b"]
    assert best["arm"].tolist() == ["hybrid", "hybrid"]
    assert best["verdict"].tolist() == [
        "beats mean",
        "cannot be judged with one seed",
    ]


def test_collect_joins_runs_on_one_page(
    summary: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copy.deepcopy(summary)
    other["benchmarks"][0]["splits"] = {"split_drug dataset=lines": "other"}
    folders = [tmp_path / name for name in ("one", "two")]
    for folder, content in zip(folders, (summary, other), strict=True):
        path = folder / "results" / "report" / "summary.json"
        io.write_json(content, path, "run_summary")
    to = tmp_path / "joined"
    assert main(["collect", *map(str, folders), "--to", str(to)]) == 0
    page = (to / "index.html").read_text()
    assert "drug of lines: two cannot be compared with one." in page
    assert "two against one: other splits" in page
    assert page.index("In short") < page.index("drug_lines.tsv")
    metrics = pd.read_csv(to / "tables" / "drug_lines.tsv", sep="\t")
    assert metrics.groupby("run").size().to_dict() == {"one": 3, "two": 3}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "no summary.json in"),
        ("{", "is no readable JSON"),
        ("{}", "'title' is a required property"),
        ({"metrics": [{"dataset": "a"}]}, "metrics that are no numbers"),
        ({"metrics": [1]}, "1 is not of type 'object'"),
        ({"metric": "new"}, "the metric 'new'"),
        ("twice", "twice"),
        ("nowhere", "no folder"),
    ],
)
def test_a_folder_that_is_no_run_is_one_message(
    summary: dict[str, Any],
    content: Any,
    found: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folders = [tmp_path / "run"]
    path = folders[0] / "results" / "report" / "summary.json"
    path.parent.mkdir(parents=True)
    if content == "twice":
        folders *= 2
        content = summary
    if content == "nowhere":
        folders, content = [tmp_path / "nowhere"], None
    if isinstance(content, dict):
        if "metric" in content:
            rows = [row | content for row in summary["metrics"]]
            content = {"metrics": rows}
        content = json.dumps(summary | content)
    if content is not None:
        path.write_text(content)
    command = ["collect", *map(str, folders), "--to", str(tmp_path / "joined")]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert error.count("Found: ") == 1
    assert found in error
    assert not (tmp_path / "joined").exists()


def test_held_out_losses_and_their_baselines_are_metrics(
    finished_run: Path, config: dict[str, Any]
) -> None:
    results = finished_run / "results"
    files = sorted(map(str, results.glob("lines/pretrain/*/seed*/heldout.json")))
    summary = summarise_run([], results, {}, config, "now", files)
    metrics = tabulate_metrics(summary).set_index("arm")
    assert set(metrics["task"]) == {"pretrain"}
    assert set(metrics["split"]) == {"scgpt"}
    baselines = metrics[metrics["kind"] == "baseline"]["value"]
    assert baselines.round(3).to_dict() == {
        "factor model": 0.72,
        "gene average": 1.0,
        "gene average in type": 0.9,
        "ridge on seen genes": 0.8,
    }
    assert metrics.loc["ridge on seen genes", ["low", "high"]].isna().all()
    # seeds 1 and 2 of the second arm
    assert metrics.loc["no_edges", "value"] == pytest.approx(0.69 + 0.003)
    assert set(metrics["baseline"].dropna()) == {"factor model"}
    # less loss is better
    assert metrics.loc["no_edges", "above_baseline"] == pytest.approx(0.72 - 0.693)


def test_a_run_with_a_named_report_is_found_and_of_several_one_is_asked_for(
    tmp_path: Path,
) -> None:
    first = tmp_path / "results" / "report" / "first" / "summary.json"
    first.parent.mkdir(parents=True)
    first.write_text("{}")
    for place in (tmp_path, tmp_path / "results", first.parent):
        assert find_summary(place) == first
    second = first.parents[1] / "second" / "summary.json"
    second.parent.mkdir()
    second.write_text("{}")
    with pytest.raises(InputError, match=r"2 reports in .*: first, second"):
        find_summary(tmp_path)
    assert find_summary(second.parent) == second
